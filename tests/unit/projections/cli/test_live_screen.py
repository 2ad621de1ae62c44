from __future__ import annotations

import io
import json
import os
import re
import threading
from contextlib import ExitStack

import pytest

from projections.cli.event_view import read_event
from projections.cli.live_screen import REFRESH_S, Screen, kept_fresh
from tests.support.data_folders import event, lines_of
from tests.support.held_clock import HeldClock

ERASE = "\r\x1b[J"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock():
    return HeldClock()


def told(*args, **fields):
    return read_event(lines_of(event(*args, **fields)).encode().rstrip())


def statuses(out):
    """The totals as they were drawn, one after the other."""
    drawn = [part.rpartition("\n")[2] for part in out.getvalue().split(ERASE)]
    return [re.sub(r"\x1b\[[?\d]*[lhm]|\r", "", text) for text in drawn[1:]]


def test_totals_stand_below_the_events_and_go_at_the_end(clock):
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        screen.show([told(1)])
        screen.show([told(2), told(3, "job.failed")], add_up=True)
        assert out.getvalue().endswith(
            "job 3 scene 3  100ms  unknown\n"
            "\x1b[?7l\x1b[1m2 attempts: 1 succeeded (50.0%), 1 failed, 0 dead; avg 100ms; 2.0/s"
            "\x1b[0m\x1b[?7h\r"
        )
    assert out.getvalue().endswith(f"\r{ERASE}")
    rest = re.sub(r"\x1b\[\?7l[^\n]*\x1b\[\?7h\r", "", out.getvalue())
    assert "\x1b[?" not in rest, "nothing to be put back"


def test_idle_totals_fall_to_rest_and_then_nothing_is_drawn(clock):
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        screen.show([told(n) for n in range(50)], add_up=True)
        for _ in range(11):
            clock.move_s(1)
            screen.refresh()
        assert statuses(out)[-1].endswith("; 0/s")
        before = out.getvalue()
        for _ in range(99):
            clock.move_s(0.1)
            screen.refresh()
        assert out.getvalue() == before


def test_a_burst_refreshes_the_totals_ten_times_a_second_at_most(clock):
    def burst():
        for n in range(20_000):  # in two seconds
            clock.move_s(0.0001)
            yield told(n % 60)

    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        screen.show(burst(), add_up=True)
        said = list(dict.fromkeys(statuses(out)))
    assert 15 <= len(said) <= 2 / REFRESH_S + 2
    assert out.getvalue().count("done") == 20_000


def test_lines_come_at_once_though_the_totals_wait(clock):
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        for n in range(1, 4):
            screen.show([told(n)], add_up=True)
            assert f"job {n} " in out.getvalue()
        assert statuses(out)[-1].startswith("1 attempt")
        clock.move_s(REFRESH_S)
        screen.refresh()
        assert statuses(out)[-1].startswith("3 attempts")


def test_a_waiting_source_does_not_hold_back_what_came(clock):
    """The reader of a pipe waits in the midst of a look."""
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:

        def slowly():
            yield told(1)
            screen.refresh()  # as another thread does
            assert "job 1 " in out.getvalue()
            yield told(2)

        screen.show(slowly(), add_up=True)


def test_totals_move_on_while_a_look_gives_nothing_to_show(clock):
    out = Terminal()
    with Screen(out, live=True, passes=lambda _: False, clock=clock) as screen:

        def slowly():
            for n in range(3):
                yield told(n)
                clock.move_s(REFRESH_S)

        screen.show(slowly(), add_up=True)
        assert [text.partition(":")[0] for text in statuses(out)] == [
            "2 attempts",
            "3 attempts",
        ]


def test_totals_never_take_the_last_column(clock, monkeypatch):
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((width, 24)))
    width = 80
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        for width in range(12, 100):
            screen.show([told(1), told(2, "job.failed", error="日本" * 99)], add_up=True)
            assert len(statuses(out)[-1]) < width, "it is made to fit at once"


def test_what_is_said_by_other_means_does_not_stand_in_the_totals(clock):
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        screen.aside(lambda: out.write("first\n"))
        screen.show([told(1), told(2)], add_up=True)
        screen.aside(lambda: out.write("note\n"))
        screen.refresh()
    assert out.getvalue().startswith("first\n")
    before, after = out.getvalue().split(f"{ERASE}note\n")
    assert statuses(out)[-2].startswith("2 attempts"), "they stand below it again"
    assert before.endswith("\r")
    assert after.startswith(ERASE)


def test_what_is_hidden_is_added_up_and_told(clock):
    out = Terminal()
    with Screen(out, live=True, clock=clock, passes=lambda one: one.end == "dead") as screen:
        screen.show([told(1), told(2, "job.failed", to_dlq=True)], add_up=True)
    assert "job 1 " not in out.getvalue()
    assert "2 attempts: 1 succeeded (50.0%), 1 failed, 1 dead; avg 100ms; 2.0/s; 1 shown" in (
        statuses(out)
    )


@pytest.mark.parametrize("name", ["NO_COLOR", "TERM"])
def test_without_colours(clock, monkeypatch, name):
    monkeypatch.setenv(name, "dumb")
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        screen.show([told(1)], add_up=True)
        assert screen.has_totals == (name == "NO_COLOR")
    assert not re.search(r"\x1b\[[\d;]*m", out.getvalue())


def test_a_pipe_gets_each_line_as_it_comes_where_more_is_waited_for_and_no_totals(clock):
    out = io.StringIO()
    with Screen(out, live=True, clock=clock) as screen, kept_fresh(screen):

        def slowly():
            yield told(1)
            assert out.getvalue().endswith("job 1 scene 1  100ms\n")
            yield told(2)

        assert "refresh" not in {thread.name for thread in threading.enumerate()}
        screen.show(slowly(), add_up=True, waits=True)
    assert "attempts" not in out.getvalue()
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("raw", [True, False])
def test_a_pipe_gets_what_a_look_gives_in_one_piece(clock, raw):
    flushed = []

    class Pipe(io.TextIOWrapper):
        def flush(self):
            super().flush()
            flushed.append(self.buffer.getvalue().count(b"scene"))

    out = Pipe(io.BytesIO(), encoding="utf-8")
    with Screen(out, live=True, raw=raw, clock=clock) as screen:
        screen.show((told(n) for n in range(300)), add_up=True)
        assert flushed == [300]
        screen.show([], add_up=True)
        assert flushed == [300]


def test_raw_lines_on_a_terminal_are_all_there_is(clock):
    held = io.BytesIO()
    out = io.TextIOWrapper(held, encoding="ascii")
    out.isatty = lambda: True  # type: ignore[method-assign]  # that is the pretence
    lines = [b'{"event": "x", "n": "\xe6\x97\xa5"}', b"no JSON"]
    with Screen(out, live=True, raw=True, clock=clock) as screen:
        screen.show(map(read_event, lines), add_up=True)
        assert not screen.has_totals
    assert held.getvalue() == b"".join(line + b"\n" for line in lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_terminal_obeys_is_escaped_in_raw_lines_for_one_only(clock, terminal):
    held = io.BytesIO()
    out = io.TextIOWrapper(held)
    out.isatty = lambda: terminal  # type: ignore[method-assign]  # that is the pretence
    lines = ['{"event":\t"x",\r"n": "a\x7f\x9b2J\u202e\\u001b\u65e5"}'.encode(), b"no \x1b[2J\xff"]
    with Screen(out, live=False, raw=True, clock=clock) as screen:
        screen.show(map(read_event, lines))
    written = held.getvalue().splitlines() if terminal else held.getvalue().split(b"\n")[:-1]
    if not terminal:
        assert written == lines
        return
    assert b"".join(written).decode().isprintable()
    assert json.loads(written[0]) == json.loads(lines[0])
    assert written[1] == rb"no \u001b[2J\xff"


def test_what_keeps_a_screen_fresh_ends_with_its_block(clock):
    out = Terminal()
    with Screen(out, live=True, clock=clock) as screen:
        with kept_fresh(screen, refresh_s=0.001):
            drawn = threading.Event()
            out.flush = drawn.set  # type: ignore[method-assign]  # tells of each drawing
            assert drawn.wait(30)
        assert "refresh" not in {thread.name for thread in threading.enumerate()}


class Broken(Terminal):
    """A terminal that goes away."""

    gone = False

    def flush(self):
        if self.gone:
            raise BrokenPipeError


def test_a_terminal_that_has_gone_is_told_by_the_next_event(clock):
    out = Broken()
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(BrokenPipeError))
        screen = stack.enter_context(Screen(out, live=True, clock=clock))
        stack.enter_context(kept_fresh(screen, refresh_s=0.001))
        out.gone = True
        next(t for t in threading.enumerate() if t.name == "refresh").join(30)
        screen.show([told(1)], add_up=True)


def test_a_reader_that_has_gone_is_noticed_before_there_is_more_to_show(clock):
    read, write = os.pipe()
    with os.fdopen(write, "w") as out, Screen(out, live=True, clock=clock) as screen:
        screen.show([told(1)])
        screen.check_reader()
        os.close(read)
        with pytest.raises(BrokenPipeError):
            screen.check_reader()


def test_what_is_no_pipe_has_a_reader(clock, tmp_path):
    with (tmp_path / "out").open("w") as file:
        for out in (file, io.StringIO()):
            Screen(out, live=True, clock=clock).check_reader()
