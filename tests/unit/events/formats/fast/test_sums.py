"""Sums over outcomes, kind by kind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from events.formats.fast.columns import anything, constant, nothing_else, times
from events.formats.fast.sums import Sums, adder

EARLY, LATE = datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 24, 13, tzinfo=UTC)


def same(value):
    return value


TIMES = {"duration": times(same, 1, nothing_else)}


def added(kind, columns, seen, judged=()):
    sums = Sums()
    adder(kind, columns, judged)(sums, seen)
    return sums


def test_successes():
    columns = TIMES | {
        "attempt": anything(same, 0, nothing_else),
        "confidence": anything(lambda seen: "high" if seen < 3 else "low", "high", nothing_else),
        "warnings": anything(lambda seen: seen - 1, 0, nothing_else),
    }
    sums = added("succeeded", columns, [1, 2, 3])
    assert (sums.succeeded, sums.recovered, sums.high, sums.with_warnings) == (3, 2, 2, 2)
    assert (sums.failed, sums.skipped, sums.latency_ns) == (0, 0, [1, 2, 3])


@pytest.mark.parametrize(("kind", "dead"), [("failed", 0), ("dead", 2)])
def test_failures(kind, dead):
    sums = added(kind, TIMES | {"error_type": lambda seen: ["E"] * len(seen)}, [1, 2])
    assert (sums.failed, sums.dead, sums.errors) == (2, dead, {"E": 2})
    assert added(kind, {}, [1]).errors == {"unknown": 1}


def test_what_was_skipped_took_no_time():
    sums = added("skipped", TIMES | {"timestamp": lambda _: [EARLY]}, [5])
    assert (sums.skipped, sums.latency_ns, sums.earliest) == (1, [], EARLY)


def test_a_time_that_is_missing_is_0_and_a_wait_that_is_missing_is_none():
    columns = TIMES | {"wait": times(same, 1, nothing_else)}
    sums = added("succeeded", columns, [5, None])
    assert (sorted(sums.latency_ns), sums.waiting_ns) == ([0, 5], [5])


def test_when_the_first_and_the_last_one_ended():
    sums = Sums()
    for moments in ([LATE, UNSET], [UNSET], [], [EARLY, LATE], [LATE]):
        sums.span(moments)
    assert (sums.earliest, sums.newest) == (EARLY, LATE)


def test_what_finds_a_line_invalid_is_asked_before_anything_is_added():
    def refuse(_):
        raise ValueError

    sums = Sums()
    with pytest.raises(ValueError, match=r"^$"):
        adder("succeeded", {"confidence": constant("high")}, [refuse])(sums, [1])
    assert sums == Sums()
