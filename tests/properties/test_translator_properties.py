"""However the lines are cut into blocks and whoever goes on, the outcomes are the same."""

from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from events.formats.lines.explaining import Place, explain
from events.formats.presets import load_preset
from events.formats.toml.mapping_file import parse_mapping
from events.formats.translator import Translator

SIDEKIQ = load_preset("sidekiq")
SHORT = parse_mapping(
    """
    name = "short"
    [[outcomes]]
    is = "failed"
    when = { msg = "fail" }
    [[outcomes]]
    is = "succeeded"
    when = { msg = "done" }
    [fields]
    job = "ctx.jid"
    timestamp = { field = "at", unit = "s" }
    [dimensions]
    thread = "tid"
    [[companions]]
    position = "before"
    of = ["failed"]
    same = ["tid"]
    when = { msg = { matches = "^Adding dead" } }
    within_lines = 3
    is = "dead"
    fields = { warnings = "pid" }
    [[companions]]
    position = "after"
    of = ["failed", "dead", "succeeded"]
    same = ["tid"]
    when = { lvl = "WARN" }
    within_lines = 4
    fields = { error_type = "msg" }
    [[companions]]
    position = "after"
    of = ["failed"]
    same = ["pid"]
    when = { msg = { matches = "^E" } }
    within_lines = 2
    fields = { kind = "msg" }
    """,
    "short.toml",
)

THREADS = st.sampled_from(["a", "b", "c"])
JOBS = st.sampled_from(["j1", "j2"])


def _json(msg: str, tid: str, jid: str, lvl: str = "INFO") -> bytes:
    content = {"pid": 1, "tid": tid, "lvl": lvl, "msg": msg, "at": 1.5, "ctx": {"jid": jid}}
    return json.dumps(content).encode()


LINES = st.one_of(
    st.builds(_json, st.sampled_from(["start", "done", "fail", "fail"]), THREADS, JOBS),
    st.builds(lambda tid, jid: _json(f"Adding dead S job {jid}", tid, jid), THREADS, JOBS),
    st.builds(
        lambda error, tid: _json(f"{error}: x", tid, "", "WARN"),
        st.sampled_from(["E", "F"]),
        THREADS,
    ),
    st.sampled_from([b"", b" ", b"noise", b"[1]", None]),  # None: one that is too long
)


def read(mapping, pieces):
    """All outcomes, in order, when each piece is read by a translator of its own."""
    state = None
    found = []
    for piece in pieces:
        translator = Translator(mapping, state)
        block = b""
        for line in piece:
            if line is not None:
                block += line + b"\n"
                continue
            found += translator.lines(block)
            block = b""
            found += translator.overlong()
        found += translator.lines(block)
        state = translator.state()
        state = None if state is None else json.loads(json.dumps(state))
        waiting = translator.waiting()
    return found, waiting, state


@given(
    mapping=st.sampled_from([SIDEKIQ, SHORT]),
    lines=st.lists(LINES, max_size=30),
    cuts=st.lists(st.integers(0, 30)),
)
def test_any_split_gives_the_same_outcomes_in_the_same_order(mapping, lines, cuts):
    bounds = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    pieces = [lines[begin:end] for begin, end in itertools.pairwise(bounds)]
    assert read(mapping, pieces) == read(mapping, [lines])


@given(lines=st.lists(LINES, max_size=30))
def test_each_outcome_is_settled_or_waits_once(lines):
    found, waiting, _ = read(SHORT, [lines])
    told = [
        line
        for line in lines
        if (line is not None and b'"fail"' in line) or b'"done"' in (line or b"")
    ]
    assert len(found) + len(waiting) == len(told)


@given(lines=st.lists(LINES, max_size=40))
def test_no_more_waits_than_the_bounds_allow(lines):
    _, waiting, state = read(SHORT, [lines])
    assert len(waiting) <= 4 + 1
    assert len(state or []) <= 4 + 1 + 3 + 1


@given(mapping=st.sampled_from([SIDEKIQ, SHORT]), lines=st.lists(LINES, max_size=30))
def test_what_is_explained_is_what_is_counted(mapping, lines):
    whole = [line for line in lines if line is not None]
    found, waiting, _ = read(mapping, [whole])
    numbered = [(Place(number), line) for number, line in enumerate(whole, 1)]
    told = list(explain(mapping, numbered))
    counted = [each.outcome for each in told if each.what in {"outcome", "completes", "settled"}]
    assert counted == [*found, *waiting]
    own = [each.place for each in told if each.what != "settled"]
    assert own == [place for place, line in numbered if line.strip()]
