"""Outcomes and the lines that complete them: which belong together, and in what order."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from events.formats.presets import load_preset
from events.formats.translator import Translator
from tests.support.project import ROOT
from tests.support.sidekiq_lines import line, told, warn, within

SAMPLE = ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl"


@pytest.fixture
def sidekiq():
    return Translator(load_preset("sidekiq"))


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
