"""Things that are made at the same time, taken in their order."""

from __future__ import annotations

import threading

import pytest

from projections.parallel.at_once import AtOnce


def test_all_are_given_in_their_order():
    makers = (lambda n=n: n * n for n in range(100))
    assert [*AtOnce(makers, 3, 7)] == [n * n for n in range(100)]


def test_there_may_be_none():
    assert [*AtOnce([], 2, 4)] == []


def test_they_are_made_at_the_same_time():
    both = threading.Barrier(2, timeout=60)  # broken by one thread alone
    assert sorted(AtOnce([both.wait, both.wait], 2, 2)) == [0, 1]


def test_no_more_are_begun_than_are_wanted_ahead():
    begun = []
    made = iter(AtOnce(((lambda n=n: begun.append(n)) for n in range(50)), 2, 4))
    next(made)
    next(made)
    made.close()
    assert len(begun) <= 2 + 4


def test_an_error_is_raised_in_its_place():
    def fail():
        raise OSError("gone")

    made = iter(AtOnce([lambda: 1, fail, lambda: 3], 2, 3))
    assert next(made) == 1
    with pytest.raises(OSError, match="gone"):
        next(made)
    assert [*made] == []


def test_no_thread_is_left_behind():
    before = threading.active_count()
    for is_taken in (True, False):
        all_of_them = AtOnce(((lambda n=n: n) for n in range(50)), 4, 8)
        made = iter(all_of_them)
        if is_taken:
            assert next(made) == 0
            made.close()
        all_of_them.close()
        assert threading.active_count() == before


def test_they_are_begun_before_the_first_is_taken():
    begun = threading.Event()
    made = AtOnce([begun.set], 1, 1)
    assert begun.wait(60)
    assert [*made] == [None]


@pytest.mark.parametrize("startable", [0, 1])
def test_where_no_more_threads_can_be_started_it_goes_on_with_fewer(monkeypatch, startable):
    start = threading.Thread.start
    started = []

    def limited(thread):
        if len(started) == startable:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    makers = (lambda n=n: n * n for n in range(100))
    assert [*AtOnce(makers, 3, 7)] == [n * n for n in range(100)]
    assert not any(thread.is_alive() for thread in started)
