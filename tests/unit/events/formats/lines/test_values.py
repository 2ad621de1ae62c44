"""Other programs' values become ours exactly, or are refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import UNSET

from events.formats.lines.values import convert, extract, moment, nanoseconds
from events.formats.mapping import Source
from events.model import MAX_COUNT


@pytest.mark.parametrize(
    ("value", "unit", "ns"),
    [
        (12, 1_000, 12_000),
        (0.001, 10**9, 1_000_000),
        (0.1, 10**9, 100_000_000),
        (1.5, 10**6, 1_500_000),
        (0, 1, 0),
        (-0.0, 1, 0),
        (MAX_COUNT, 1, MAX_COUNT),
        (MAX_COUNT // 1000 + 1, 1000, MAX_COUNT),
        (10**30, 10**9, MAX_COUNT),
        (1e300, 10**9, MAX_COUNT),
        (123_456.789012345, 10**9, 123_456_789_012_345),
    ],
)
def test_times_are_exact_and_stop_at_the_largest(value, unit, ns):
    assert nanoseconds(value, unit) == ns


@pytest.mark.parametrize("value", [-1, -1e-9, True, "1", None, [1], float("nan"), float("inf")])
def test_what_is_no_time(value):
    with pytest.raises(ValueError, match=r"wanted|below 0"):
        nanoseconds(value, 1)


@pytest.mark.parametrize(
    ("value", "unit", "us"),
    [
        (1_764_000_000, "s", 0),
        (1_764_000_000.123456, "s", 123_456),
        (1_764_000_000_123, "ms", 123_000),
        (1_764_000_000_123_456, "us", 123_456),
        (1_764_000_000_123_456_789, "ns", 123_456),
        ("2025-11-24T16:00:00.123456Z", "rfc3339", 123_456),
        ("2025-11-24T17:00:00+01:00", "rfc3339", 0),
        ("2025-11-24T15:59:60Z", "rfc3339", -1),
    ],
)
def test_moments(value, unit, us):
    found = moment(value, unit)
    assert (found - datetime(2025, 11, 24, 16, tzinfo=UTC)).total_seconds() == us / 1e6


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (10**20, "s"),
        (-(10**20), "s"),
        (1e300, "s"),
        (1e308, "ms"),
        (True, "s"),
        ("1764000000", "s"),
        ("2025-11-24T16:00:00", "rfc3339"),
        ("0001-01-01T00:00:00+01:00", "rfc3339"),
        ("9999-12-31T23:59:59-01:00", "rfc3339"),
        (1, "rfc3339"),
        ({}, "rfc3339"),
    ],
)
def test_what_is_no_moment(value, unit):
    with pytest.raises(ValueError, match=r"wanted|RFC 3339|years? 1"):
        moment(value, unit)


def taken(name: str, found: dict[str, object], *sources: Source):
    return extract(name, sources, found.get)


def test_the_first_path_at_which_something_stands():
    source = Source(("a", "b"), default="none")
    assert taken("error", {"a": "x", "b": "y"}, source) == "x"
    assert taken("error", {"a": None, "b": "y"}, source) == "y"
    assert taken("error", {"a": "", "b": "y"}, source) == "y"
    assert taken("error", {}, source) == "none"
    assert taken("error", {}, Source(("a",))) is UNSET


def test_the_first_source_that_has_a_value():
    sources = Source(("a",), regex="^x(.)"), Source(("b",))
    assert taken("error", {"a": "xy", "b": "z"}, *sources) == "y"
    assert taken("error", {"a": "y", "b": "z"}, *sources) == "z"


@pytest.mark.parametrize(
    ("regex", "value"), [("a(b)(c)", "b"), ("a(b)(?P<value>c)", "c"), ("bc", "bc"), ("(x)?b", None)]
)
def test_what_a_regular_expression_takes(regex, value):
    assert taken("error", {"e": "abcd"}, Source(("e",), regex=regex)) == (value or UNSET)


def test_a_regular_expression_sees_only_the_ends_of_a_long_text():
    text = "a" + "x" * 100_000 + "m" + "x" * 100_000 + "z"
    assert taken("error", {"e": text}, Source(("e",), regex="^a")) == "a"
    assert taken("error", {"e": text}, Source(("e",), regex="z$")) == "z"
    assert taken("error", {"e": text}, Source(("e",), regex="m")) is UNSET


@pytest.mark.parametrize(
    ("unit", "begin", "end", "ns"),
    [
        ("s", 1_764_000_000, 1_764_000_002, 2_000_000_000),
        ("s", 1_764_000_000.1, 1_764_000_000.35, 250_000_000),
        ("ms", 1_764_000_000_000.5, 1_764_000_000_001, 500_000),
        ("ns", 1_764_000_000_000_000_001, 1_764_000_000_000_000_003, 2),
        (None, "2026-11-24T12:00:00Z", "2026-11-24T13:00:00.5+01:00", 500_000_000),
        ("s", None, 5, UNSET),
        ("s", 0, 10**30, MAX_COUNT),
    ],
)
def test_a_time_between_two_moments(unit, begin, end, ns):
    assert taken("duration", {"a": begin, "b": end}, Source(span=("a", "b"), unit=unit)) == ns


@pytest.mark.parametrize(
    ("begin", "end", "reason"),
    [
        (2, 1, "b is before a"),
        ("x", 1, "a: a number is wanted, not the text 'x'"),
        (1, True, "b: "),
    ],
)
def test_moments_that_make_no_time(begin, end, reason):
    with pytest.raises(ValueError, match=reason):
        taken("duration", {"a": begin, "b": end}, Source(span=("a", "b"), unit="s"))


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_what_is_no_text(value):
    with pytest.raises(ValueError, match="a text is wanted"):
        convert("error_type", value, None)


def test_whole_numbers_are_texts_too_and_empty_texts_are_nothing():
    assert convert("job", 17, None) == "17"
    assert convert("error_type", 404, None) == "404"
    assert convert("error_type", "", None) is UNSET


def test_what_is_kept_can_be_written_by_any_json_library():
    assert convert("", 2**70, None) == str(2**70)
    assert convert("", {"a": [1]}, None) == '{"a": [1]}'
    assert convert("confidence", "high", None) == "high"
    assert convert("", 0.5, None) == 0.5
