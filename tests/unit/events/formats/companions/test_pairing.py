"""Outcomes wait for the lines that complete them: how long, for which, and in what order."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from events.formats.companions import pairing
from events.formats.companions.pairing import WaitingError
from events.formats.presets import load_preset
from events.formats.toml.mapping_file import parse_mapping
from events.formats.translator import Translator
from tests.support.project import ROOT

SAMPLE = ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl"


def line(msg: str, tid: str = "a", *, lvl: str = "INFO", jid: str = "j1", **more: object) -> bytes:
    content: dict[str, object] = {"pid": 1, "tid": tid, "lvl": lvl, "msg": msg, **more}
    if msg in {"start", "done", "fail"}:
        content["ctx"] = {"class": "SyncJob", "jid": jid, "elapsed": 0.001}
    return json.dumps(content).encode() + b"\n"


def warn(msg: str, tid: str = "a") -> bytes:
    return line(msg, tid, lvl="WARN")


def told(outcomes) -> list[tuple[str, str, bool]]:
    return [(each.job, each.error_type, each.to_dlq) for each in outcomes]


@pytest.fixture
def sidekiq():
    return Translator(load_preset("sidekiq"))


def within(lines: int, *, more: str = "") -> Translator:
    text = f"""
    name = "short"
    [[outcomes]]
    is = "failed"
    when = {{ msg = "fail" }}
    [[outcomes]]
    is = "succeeded"
    when = {{ msg = "done" }}
    [fields]
    job = "ctx.jid"
    [[companions]]
    position = "after"
    of = ["failed", "dead"]
    same = ["tid"]
    when = {{ lvl = "WARN" }}
    within_lines = {lines}
    fields = {{ error_type = "msg" }}
    {more}
    """
    return Translator(parse_mapping(text, "short.toml"))


def test_the_real_sample_has_its_errors(sidekiq):
    found = sidekiq.lines(SAMPLE.read_bytes())
    assert Counter((each.event, each.error_type, each.to_dlq) for each in found) == {
        ("job.succeeded", "unknown", False): 52,
        ("job.failed", "PlexNotFound", False): 5,
        ("job.failed", "PermanentError", False): 3,
    }
    assert {each.kind for each in found} == {"SyncJob"}
    assert all(each.duration_ns % 1_000_000 == 0 for each in found)
    assert sidekiq.state() is None


def test_the_class_comes_from_the_same_thread_only(sidekiq):
    found = sidekiq.lines(
        line("fail", "a", jid="j1")
        + line("fail", "b", jid="j2")
        + warn('{"context":"Job raised exception"}', "b")
        + warn("Lib::PermanentError: bad", "b")
        + warn("PlexNotFound: no item", "a")
        + warn("/app/jobs.rb:9:in `perform'", "a")
    )
    assert told(found) == [("j2", "PermanentError", False), ("j1", "PlexNotFound", False)]
    assert [each.error for each in found] == ["bad", "no item"]


def test_the_next_failure_of_the_thread_settles_the_earlier_one_as_unknown(sidekiq):
    found = sidekiq.lines(line("fail", jid="j1") + line("fail", jid="j2") + warn("E: x"))
    assert told(found) == [("j1", "unknown", False), ("j2", "E", False)]


def test_only_the_failure_after_the_mark_is_dead_and_once(sidekiq):
    mark = line("Adding dead SyncJob job j1")
    found = sidekiq.lines(
        line("fail") + warn("E: 1") + mark + line("start", "b", jid="j9") + line("fail")
    )
    found += sidekiq.lines(warn("E: 2") + line("fail") + warn("E: 3"))
    assert told(found) == [("j1", "E", False), ("j1", "E", True), ("j1", "E", False)]


@pytest.mark.parametrize(("tid", "jid"), [("b", "j1"), ("a", "j2")])
def test_the_mark_of_another_job_or_thread_kills_nothing(sidekiq, tid, jid):
    mark = line(f"Adding dead SyncJob job {jid}", tid)
    found = sidekiq.lines(mark + line("fail") + warn("E: 1"))
    assert told(found) == [("j1", "E", False)]


@pytest.mark.parametrize(("between", "error_type"), [(2, "late"), (3, "unknown")])
def test_the_bound_is_counted_in_lines(between, error_type):
    translator = within(3)
    found = translator.lines(line("fail") + b"noise\n" * between + warn("late"))
    assert told(found) == [("j1", error_type, False)]


def test_blank_lines_do_not_count_and_lines_too_long_do():
    translator = within(2)
    assert translator.lines(line("fail") + b"\n \n\r\n\t\n" + line("start")) == []
    assert translator.overlong() == []
    assert told(translator.overlong()) == [("j1", "unknown", False)]


def test_what_is_waited_for_too_long_comes_before_the_line_that_ends_it():
    found = within(1).lines(line("fail") + line("start") + line("done", jid="j2"))
    assert told(found) == [("j1", "unknown", False), ("j2", "unknown", False)]


def test_what_waits_is_shown_as_it_would_be_counted_and_stays(sidekiq):
    sidekiq.lines(line("fail"))
    assert told(sidekiq.waiting()) == [("j1", "unknown", False)]
    assert told(sidekiq.waiting()) == [("j1", "unknown", False)]
    assert told(sidekiq.lines(warn("E: x"))) == [("j1", "E", False)]
    assert sidekiq.waiting() == []


def test_an_outcome_without_what_they_share_does_not_wait(sidekiq):
    content = {"msg": "fail", "ctx": {"jid": "j1"}}
    found = sidekiq.lines(json.dumps(content).encode() + b"\n")
    assert told(found) == [("j1", "unknown", False)]


def test_two_companions_are_waited_for_both():
    more = """
    [[companions]]
    position = "after"
    of = ["failed"]
    same = ["tid"]
    when = { msg = "given up" }
    within_lines = 5
    is = "dead"
    """
    translator = within(2, more=more)
    assert translator.lines(line("fail") + warn("E")) == []
    assert told(translator.lines(line("given up"))) == [("j1", "E", True)]
    assert translator.lines(line("fail") + line("x") + line("x") + warn("E")) == []
    assert told(translator.lines(line("given up"))) == [("j1", "unknown", True)]


def test_a_companion_with_a_wrong_field_is_invalid_and_still_waited_for():
    translator = within(5)
    reasons = []
    wrong = json.dumps({"tid": "a", "lvl": "WARN", "msg": [1]}).encode() + b"\n"
    found = translator.lines(
        line("fail") + wrong + warn("E"), report=lambda _, reason: reasons.append(reason)
    )
    assert told(found) == [("j1", "E", False)]
    assert reasons == ["error_type: msg: a text is wanted, not a list"]


def test_the_state_is_json_and_small_and_none_when_nothing_waits(sidekiq):
    assert sidekiq.state() is None
    sidekiq.lines(line("fail") + line("Adding dead SyncJob job j7", "z"))
    state = json.loads(json.dumps(sidekiq.state()))
    later = Translator(load_preset("sidekiq"), state)
    assert later.state() == state
    assert told(later.waiting()) == [("j1", "unknown", False)]
    found = later.lines(line("fail", "z", jid="j7") + warn("E: x", "z") + warn("F: x"))
    assert told(found) == [("j7", "E", True), ("j1", "F", False)]


def test_what_waited_for_a_companion_that_the_mapping_has_no_more_is_settled():
    translator = within(5)
    translator.lines(line("fail"))
    state = translator.state()
    plain = parse_mapping(
        'name = "x"\n[[outcomes]]\nis = "failed"\nwhen = { msg = "fail" }\n', "x.toml"
    )
    later = Translator(plain, state)
    assert len(later.waiting()) == 1
    assert Translator(plain, later.state()).waiting() == later.waiting()
    assert told(later.lines(line("start"))) == [("j1", "unknown", False)]
    assert later.state() is None


@pytest.mark.parametrize(
    "state",
    [
        1,
        {},
        [1],
        [{"ago": 1}],
        [{"ago": 1, "size": 1, "open": [[0, "k"]], "changes": {"nonsense": 1}}],
        [{"ago": -1, "size": 1, "open": [[1, "k"]], "outcome": {}}],
        [{"ago": 1, "size": -1, "open": [[1, "k"]], "outcome": {}}],
        [{"ago": 1, "size": 1, "open": [[1, "k"]], "outcome": {}}] * 2,
    ],
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(WaitingError, match="no state"):
        Translator(load_preset("sidekiq"), state)


def test_what_is_kept_is_bounded_in_bytes(sidekiq, monkeypatch):
    monkeypatch.setattr(pairing, "MAX_KEPT_BYTES", 1000)
    sidekiq.lines(line("Adding dead SyncJob job j0", "m", filler="x" * 300))
    found = sidekiq.lines(
        b"".join(line("fail", f"t{n}", jid=f"j{n}", filler="x" * 300) for n in range(5))
    )
    assert told(found) == [(f"j{n}", "unknown", False) for n in range(3)]
    assert len(sidekiq.waiting()) == 2
    assert len(str(sidekiq.state())) < 1000


def test_long_values_in_common_are_kept_short(sidekiq):
    sidekiq.lines(line("fail", "t" * 100_000))
    assert len(json.dumps(sidekiq.state())) < 1000
    assert told(sidekiq.lines(warn("E: x", "t" * 100_000))) == [("j1", "E", False)]
