"""The fast way from lines to outcomes equals the slow one, whatever the lines and mappings are."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events.formats.names import PRESETS
from events.formats.presets import load_preset
from events.formats.toml.mapping_file import parse_mapping
from events.formats.translator import Compiled, Translator
from projections.foreign_sums import tally_sums
from projections.tallying import moments_us, tally_outcomes

FLAT = """
name = "flat"
[[outcomes]]
is = "succeeded"
when = { state = "ok" }
[[outcomes]]
is = "dead"
when = { state = ["bad", "worse"], last = true }
[[outcomes]]
is = "failed"
when = { state = ["bad", "worse"] }
[[outcomes]]
is = "skipped"
when = { code = [0, 1.5], note = { exists = false } }
[fields]
timestamp = "at"
duration = { field = "took", unit = "us" }
wait = { field = "waited", unit = "s" }
error_type = { field = "error", default = "none" }
job = "id"
kind = { field = "kind", default = "any" }
attempt = "attempt"
warnings = "warnings"
confidence = "sure"
[dimensions]
duration = "queue"
"""
DEEP = """
name = "deep"
[[outcomes]]
is = "succeeded"
when = { "a.b" = "ok" }
[[outcomes]]
is = "failed"
when = { "a.b" = { matches = "^ba" } }
[fields]
timestamp = { field = "a.at", unit = "ms" }
duration = { field = "a.took", unit = "us" }
wait = [{ field = "a.w", unit = "ms" }, { from = "t.0", to = "t.1", unit = "s" }]
error_type = [{ field = "e.0.type" },
  { field = ["e.type", "a.x"], regex = "(.)$", default = "none" }]
job = "a.id"
[dimensions]
queue = "a.q"
e = "e"
"""
TIMES = """
name = "times"
[[outcomes]]
is = "succeeded"
when.state = "ok"
[[outcomes]]
is = "failed"
when.state = "bad"
[fields]
timestamp = "at"
duration = { field = "a.took", unit = "ns" }
"""
MAPPINGS = {
    name: parse_mapping(text, name)
    for name, text in {"flat": FLAT, "deep": DEEP, "times": TIMES}.items()
}
MAPPINGS |= {name: load_preset(name) for name in PRESETS}
FAST = {name: Compiled(mapping) for name, mapping in MAPPINGS.items()}
SLOW = {name: Compiled(mapping, fast=False) for name, mapping in MAPPINGS.items()}

TEXTS = st.sampled_from(
    [
        "ok",
        "bad",
        "worse",
        "",
        "x",
        "\u00e9",
        "\ud800",
        "2026-11-24T12:00:00Z",
        "2026-11-24T12:00:60.5Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "2026-11-24T12:00:00",
        "job:stop",
        "success",
        "job:exception",
        "failure",
        "oban",
        "done",
        "fail",
        "A: b",
        "** (E) m",
        "job.failed",
        "job.succeeded",
        "E1",
        "z" * 150,
    ]
)
NUMBERS = st.one_of(
    st.integers(-2, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2**63, 2**64, 10**40, -(2**63), 1.5, 0.0, -0.0, 1e300, 1764000000000]),
)
SCALARS = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(TEXTS, SCALARS, max_size=2)
)
TOPS = [
    "state",
    "last",
    "code",
    "note",
    "at",
    "took",
    "waited",
    "error",
    "id",
    "kind",
    "attempt",
    "warnings",
    "sure",
    "queue",
    "time",
    "source",
    "event",
    "duration",
    "queue_time",
    "worker",
    "@timestamp",
    "msg",
    "lvl",
    "pid",
    "tid",
    "ts",
    "timestamp",
    "exception",
    "error_type",
    "duration_ms",
    "other",
]
LIKELY = {
    "state": ["ok", "bad", "success", "failure", "discard"],
    "event": ["job:stop", "job:exception", "job.failed"],
    "source": ["oban"],
    "msg": ["done", "fail", "E: x"],
    "lvl": ["WARN"],
    "at": ["2026-11-24T12:00:00Z"],
    "time": ["2026-11-24T12:00:00Z"],
    "took": [5],
    "attempt": [1, 2],
}
NESTED = {
    "a": ["b", "at", "took", "w", "id", "q", "x"],
    "event": ["outcome", "duration", "action"],
    "error": ["type", "message"],
    "ctx": ["jid", "elapsed", "class"],
    "e": ["type"],
}
LIKELY_NESTED = {
    "b": ["ok", "bad"],
    "outcome": ["success", "failure"],
    "took": [7],
    "elapsed": [0.5],
}


@st.composite
def objects(draw):
    found: dict[str, object] = {}
    for top in draw(st.lists(st.sampled_from(TOPS), max_size=8)):
        likely = LIKELY.get(top)
        found[top] = draw(st.one_of(st.sampled_from(likely), VALUES) if likely else VALUES)
    for top in draw(st.lists(st.sampled_from(sorted(NESTED)), max_size=3)):
        inner = {}
        for key in draw(st.lists(st.sampled_from(NESTED[top]), max_size=4)):
            likely = LIKELY_NESTED.get(key)
            inner[key] = draw(st.one_of(st.sampled_from(likely), SCALARS) if likely else SCALARS)
        if draw(st.booleans()):
            found |= {f"{top}.{key}": value for key, value in inner.items()}
        else:
            found[top] = draw(st.sampled_from([inner, inner, [inner], None]))
    if draw(st.booleans()):
        found["t"] = draw(st.lists(NUMBERS, max_size=3))
    return found


def line_of(found: dict[str, object]) -> bytes:
    return json.dumps(found).encode()


LINES = st.one_of(
    objects().map(line_of),
    objects().map(line_of),
    st.sampled_from(
        [
            b"",
            b" \r",
            b"noise",
            b"[1]",
            b"1",
            b"null",
            b'{"state":"ok"',
            b'{"state":"ok","x":NaN}',
            b'{"state":"ok","x":1e999}',
            b'{"state":"ok","took":1e999}',
            b'{"state":"ok","x":"\xff"}',
            b'{"state":"ok","id":123456789012345678901234567890}',
            b'{"state":"bad","state":"ok"}',
            b'{"state":"ok","x":"\\ud800"}',
            b'{"state":"ok","at":"2026-11-24T12:00:00Z"} ',
            b'{"state":"ok","x":' + b"[" * 199 + b"]" * 199 + b"}",
            b'{"state":"ok","x":' + b"[" * 200 + b"]" * 200 + b"}",
            b'{"state":"ok","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
            b'{"id":' + b"9" * 5000 + b',"state":"ok"}',
            b'{"a":{"b":"ok"},"a":{"took":1}}',
            b'{"state":"ok","sure":-0.0}',
            '{"state":"\u00e9","x":"\u2028"}'.encode(),
        ]
    ),
    st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")),
)


def both(name: str, lines: list[bytes]):
    data = b"".join(line + b"\n" for line in lines)
    answers = []
    for compiled in (FAST[name], SLOW[name]):
        reasons: list[tuple[int, str]] = []
        translator = Translator(MAPPINGS[name], compiled=compiled)
        found = translator.lines(data, 1000, lambda at, why, to=reasons: to.append((at, why)))
        answers.append((found, reasons, translator.waiting(), translator.state()))
    return answers


@pytest.mark.parametrize("name", sorted(MAPPINGS))
def test_there_is_a_fast_way(name):
    assert FAST[name].plans
    assert not SLOW[name].plans


@given(name=st.sampled_from(sorted(MAPPINGS)), lines=st.lists(LINES, max_size=12))
@example(
    "flat",
    [b'{"state":"ok","last":true}', b'{"state":"bad","last":1}', b'{"code":true}', b'{"code":1.5}'],
)
@example(
    "ecs",
    [b'{"event.outcome":"success"}'] * 3
    + [b'{"event":{"outcome":"failure"},"event.outcome":"success"}'],
)
@example(
    "ecs",
    [
        b'{"event":{"outcome":"success"},"event.duration":7}',
        b'{"event":null,"event.outcome":"success"}',
    ],
)
def test_the_fast_way_equals_the_slow_one(name, lines):
    fast, slow = both(name, lines)
    assert repr(fast) == repr(slow)  # 1, 1.0 and True differ


def test_keys_that_are_not_known_do_not_pile_up():
    lines = [line_of({"state": f"s{number}"}) for number in range(5000)]
    fast, slow = both("flat", [*lines, b'{"state":"ok"}'])
    assert fast == slow
    assert all(len(plan.sorts) <= 1024 for plan in FAST["flat"].plans)


@given(name=st.sampled_from(sorted(MAPPINGS)), lines=st.lists(LINES, max_size=12))
@example("flat", [b'{"state":"ok","attempt":2}', b'{"state":"ok","sure":"no"}', b'{"code":0}'])
def test_sums_are_those_of_the_outcomes(name, lines):
    data = b"".join(line + b"\n" for line in lines)
    told: list[list[tuple[int, str]]] = [[], []]
    outcomes = Translator(MAPPINGS[name], compiled=SLOW[name]).lines(
        data, 1000, lambda at, why: told[0].append((at, why))
    )
    translator = Translator(MAPPINGS[name], compiled=FAST[name])
    sums = translator.sums(data, 1000, lambda at, why: told[1].append((at, why)))
    assert told[0] == told[1]
    tally, newest_us = tally_sums(sums)
    expected = tally_outcomes(outcomes)
    span = moments_us(outcomes)
    expected.earliest_us = None if span is None else span[0]
    assert newest_us == (None if span is None else span[1])
    for each in (tally, expected):
        each.latency_ns.sort()
        each.waiting_ns.sort()
    assert tally == expected
