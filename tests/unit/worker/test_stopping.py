from __future__ import annotations

from worker.stopping import StopRequest


def test_nobody_has_asked_at_first():
    stop = StopRequest()
    assert (stop.asked, stop.at_once) == (False, False)


def test_what_was_asked_for_is_never_taken_back():
    stop = StopRequest()
    stop.ask()
    assert (stop.asked, stop.at_once) == (True, False)
    stop.ask(at_once=True)
    stop.ask()
    assert (stop.asked, stop.at_once) == (True, True)


def test_who_waits_is_woken_and_finds_what_was_asked():
    stop = StopRequest()
    seen = []
    stop.wake = lambda: seen.append((stop.asked, stop.at_once))
    stop.ask(at_once=True)
    assert seen == [(True, True)]
