"""Taking items a little ahead changes nothing about them."""

from __future__ import annotations

import threading

import pytest

from projections.parallel.ahead import ahead


def test_items_come_in_their_order():
    assert [*ahead(range(1000))] == [*range(1000)]
    assert [*ahead([])] == []


def test_they_are_made_in_another_thread_and_not_far_ahead():
    made, seen = [], []
    three = threading.Event()

    def items():
        for number in range(100):
            made.append(threading.current_thread())
            if number == 2:
                three.set()
            yield number

    for number in ahead(items(), most=2):
        if number == 0:
            assert three.wait(20), "nothing is made ahead"
        seen.append(number)
        assert len(made) <= number + 4
    assert seen == [*range(100)]
    assert threading.current_thread() not in made


def test_an_error_is_raised_in_its_place():
    def items():
        yield 1
        raise OSError("no more")

    found = []
    with pytest.raises(OSError, match="no more"):
        found.extend(ahead(items()))
    assert found == [1]


def test_closed_early_it_stops():
    made = []

    def items():
        for number in range(1000):
            made.append(number)
            yield number

    taken = ahead(items(), most=2)
    assert next(taken) == 0
    taken.close()
    assert len(made) < 6
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_where_no_thread_can_be_started_items_come_all_the_same(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert [*ahead(range(10))] == [*range(10)]
