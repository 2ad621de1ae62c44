"""How long, and in how much memory, outcomes and lines wait for each other."""

from __future__ import annotations

import pytest

from events.formats.companions import shelf
from events.formats.companions.kept import Remembered, Waiting
from events.formats.companions.shelf import Shelf
from events.formats.mapping import Companion
from events.formats.outcome import Foreign
from events.formats.presets import load_preset
from events.formats.translator import Translator
from tests.support.sidekiq_lines import line, told, warn, within

RULES = (
    Companion("after", ("failed",), (), (), within_lines=3),
    Companion("before", ("failed",), (), (), within_lines=5),
)


@pytest.fixture
def sidekiq():
    return Translator(load_preset("sidekiq"))


def waiting(at, *keys, size=10):
    return Waiting(at, size, Foreign(job=f"j{at}"), dict.fromkeys((0,), keys[0]) if keys else {})


def test_what_waits_is_found_by_its_key_until_it_is_answered():
    shelf = Shelf(RULES)
    shelf.keep(waiting(1, "a"))
    shelf.keep(waiting(2, "b"))
    found = shelf.find(0, "a")
    assert [each.outcome.job for each in shelf.waiting()] == ["j1", "j2"]
    assert [each.line for each in shelf.answer(found, 0)] == [1]
    assert shelf.find(0, "a") is None
    assert shelf.find(1, "b") is None


def test_the_next_line_with_which_something_is_due_is_known():
    shelf = Shelf(RULES)
    assert shelf.due > 1 << 60
    shelf.keep(waiting(7, "a"))
    assert shelf.due == 7 + 3 + 1
    shelf.remember(1, "a", Remembered(2, 10, {}))
    shelf.note_due()
    assert shelf.due == 2 + 5 + 1
    assert shelf.expire(8) == []
    assert shelf.recall(1, "a") is None
    assert [each.line for each in shelf.expire(11)] == [7]
    assert shelf.waiting() == []


def test_what_waits_for_nothing_is_due_at_once():
    shelf = Shelf(RULES)
    shelf.keep(waiting(-1))
    assert shelf.due == 0
    assert [each.line for each in shelf.expire(1)] == [-1]


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


def test_what_is_kept_is_bounded_in_bytes(sidekiq, monkeypatch):
    monkeypatch.setattr(shelf, "MAX_KEPT_BYTES", 1000)
    sidekiq.lines(line("Adding dead SyncJob job j0", "m", filler="x" * 300))
    found = sidekiq.lines(
        b"".join(line("fail", f"t{n}", jid=f"j{n}", filler="x" * 300) for n in range(5))
    )
    assert told(found) == [(f"j{n}", "unknown", False) for n in range(3)]
    assert len(sidekiq.waiting()) == 2
    assert len(str(sidekiq.state())) < 1000
