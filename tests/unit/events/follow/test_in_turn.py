"""Whose turn it is to be looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from events.follow.in_turn import InTurn


def turns_of(count, lately=3):
    turns = InTurn(lately)
    turns.set(range(count))
    return turns


def test_few_are_looked_at_each_time():
    turns = turns_of(3)
    turns.woke(1)
    assert [sorted(turns.next(3)) for _ in range(3)] == [[0, 1, 2]] * 3


def test_many_are_looked_at_in_turn():
    turns = turns_of(5)
    assert [turns.next(2) for _ in range(3)] == [[0, 1], [2, 3], [4, 0]]


def test_one_that_gave_something_is_looked_at_each_time_for_a_while():
    turns = turns_of(9)
    turns.woke(8)
    assert [turns.next(2) for _ in range(4)] == [[8, 0, 1], [8, 2, 3], [8, 4, 5], [6, 7]]


def test_with_none_in_turn_only_those_that_gave_something_are_looked_at():
    turns = turns_of(9)
    assert turns.next(0) == []
    turns.woke(8)
    assert turns.next(0) == [8]


def test_who_is_gone_is_not_looked_at():
    turns = turns_of(9)
    turns.woke(8)
    turns.woke(7)
    turns.set([7])
    assert turns.next(1) == turns.next(0) == [7]


@given(
    st.integers(1, 4),
    st.lists(st.one_of(st.integers(0, 9).map(lambda n: ("woke", n)), st.just(("search", 0)))),
)
def test_nobody_is_passed_over_for_long(at_once, what_happens):
    turns = turns_of(10)
    last = dict.fromkeys(range(10), 0)
    more = 0
    for look, (what, number) in enumerate(what_happens + [("", 0)] * 10, 1):
        if what == "woke":
            turns.woke(number)
        elif what == "search":  # it finds something that is gone at the next one
            turns.set([*range(10), *[99] * (more % 2)])
            more += 1
        now = turns.next(at_once)
        assert len(now) == len(set(now))
        last.update(dict.fromkeys(now, look))
        assert all(look - at <= 11 // at_once + 1 for at in (last[n] for n in range(10)))
