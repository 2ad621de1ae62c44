"""Fields of many lines at once; what is unusual among them is left to the slow way."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from msgspec import UNSET

from events.formats.fast.columns import (
    UnusualError,
    anything,
    constant,
    dimensions,
    maker,
    moments,
    nothing_else,
    special,
    texts,
    times,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def same(value):
    return value


def refuse(_):
    raise UnusualError


@pytest.mark.parametrize(
    ("column", "seen", "found"),
    [
        (times(same, 1, nothing_else), [1, 2], [1, 2]),
        (times(same, 1000, nothing_else), [1, 2], [1000, 2000]),
        (times(same, 1000, nothing_else), [1, 0.5, None, UNSET], [1000, 500, UNSET, UNSET]),
        (texts(same, "", nothing_else), ["a", "b"], ["a", "b"]),
        (texts(same, "", nothing_else), [1, 2], ["1", "2"]),
        (texts(same, "-", nothing_else), ["a", 1, "", None, UNSET], ["a", "1", "-", "-", "-"]),
        (moments(same, nothing_else), [NOON, NOON], [NOON, NOON]),
        (moments(same, nothing_else), [NOON, None, UNSET], [NOON, UNSET, UNSET]),
        (anything(same, 0, nothing_else), [1, None, UNSET], [1, 0, 0]),
        (special(same, "x", nothing_else), [1, UNSET], [1, "x"]),
    ],
)
def test_what_is_usual_and_what_is_missing(column, seen, found):
    assert list(column(seen)) == found


@pytest.mark.parametrize(
    ("column", "usual"),
    [
        (times(same, 1, refuse), 1),
        (texts(same, "", refuse), "x"),
        (moments(same, refuse), NOON),
        (anything(same, 0, refuse), 1),
    ],
)
def test_where_something_is_missing_the_other_form_is_looked_for(column, usual):
    assert list(column([usual])) == [usual]
    for missing in (None, UNSET):
        with pytest.raises(UnusualError):
            column([usual, missing])


@pytest.mark.parametrize("year", [1, 9999])
def test_moments_at_the_edges_are_looked_at_slowly(year):
    column = moments(same, nothing_else)
    for seen in ([NOON.replace(year=year)], [NOON.replace(year=year), None]):
        with pytest.raises(UnusualError):
            column(seen)


def test_a_constant_has_no_end():
    assert list(islice(constant(7)([]), 3)) == [7, 7, 7]


def test_of_dimensions_only_those_that_are_there():
    column = dimensions([("a", lambda seen: seen.get("a", UNSET)), ("b", len)], nothing_else)
    assert list(column([{"a": 1}, {}])) == [{"a": 1, "b": 1}, {"b": 0}]
    assert list(islice(dimensions([], refuse)([1]), 1)) == [{}]


@pytest.mark.parametrize("beside", [None, constant({"q": 1})])
@pytest.mark.parametrize("kind", ["succeeded", "failed", "dead", "skipped"])
def test_outcomes_of_each_kind(kind, beside):
    columns = {
        "timestamp": constant(NOON),
        "duration": times(same, 1, nothing_else),
        "error_type": constant("E"),
    }
    found = maker(kind, columns, beside)([5, 6])
    assert [each.duration_ns for each in found] == [5, 6]
    assert {each.timestamp for each in found} == {NOON}
    assert {each.to_dlq for each in found} == {kind == "dead"}
    failed = kind in {"failed", "dead"}
    assert {each.error_type for each in found} == {"E" if failed else "unknown"}
    assert found[0].dimensions == ({} if beside is None else {"q": 1})
