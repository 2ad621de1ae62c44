"""Outcomes made of many lines at once, field by field: the inner loop of every foreign log.

A field of some lines is a column. Whether all of a column is usual is asked in C; only where it is
not, its values are looked at one by one.
"""

from __future__ import annotations

from datetime import datetime
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from events.formats.lines.decisions import EVENTS
from events.formats.lines.values import nanoseconds
from events.formats.outcome import Foreign
from events.model import HIGH, JOB_FAILED, UNKNOWN_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from events.formats.mapping import Ending

    Read = Callable[[Any], Any]
    Check = Callable[[Sequence[Any]], None]
    Column = Callable[[Sequence[Any]], Iterable[Any]]
    Make = Callable[[Sequence[Any]], list[Foreign]]

USUAL: dict[str, Any] = {
    "timestamp": UNSET,
    "duration": UNSET,
    "wait": UNSET,
    "confidence": HIGH,
    "job": "",
    "kind": "",
    "attempt": 0,
    "warnings": 0,
    "error_type": UNKNOWN_ERROR,
    "error": "",
}
"""What each field of an outcome is if it is missing."""
_NO_DIMENSIONS: dict[str, Any] = {}
_INTEGERS, _DATETIMES, _TEXTS = {int}, {datetime}, {str}
_EDGES = frozenset({1, 9999})
"""Years of which not all moments have a UTC value."""
_year = attrgetter("year")


class UnusualError(Exception):
    """Some of the lines are to be looked at one by one, and slowly."""


def nothing_else(_: Sequence[Any]) -> None:
    """Take what is missing for missing: a `Check` for lines that come in one form only."""


def constant(value: Any) -> Column:
    """A column of one value."""
    return lambda _: repeat(value)


def moments(read: Read, check: Check) -> Column:
    """A column of moments, read as RFC 3339 has them."""

    def column(seen: Sequence[Any]) -> Iterable[Any]:
        found = list(map(read, seen))
        if set(map(type, found)) == _DATETIMES:
            if not _EDGES.isdisjoint(map(_year, found)):
                raise UnusualError
            return found
        check(seen)
        there = [moment for moment in found if moment]
        if not _EDGES.isdisjoint(map(_year, there)):
            raise UnusualError
        return [moment or UNSET for moment in found]

    return column


def times(read: Read, scale: int, check: Check) -> Column:
    """A column of times in a unit of ``scale`` nanoseconds."""

    def column(seen: Sequence[Any]) -> Iterable[Any]:
        found = list(map(read, seen))
        if set(map(type, found)) == _INTEGERS:
            return found if scale == 1 else [time * scale for time in found]
        check(seen)
        return [
            UNSET if time is UNSET or time is None else nanoseconds(time, scale) for time in found
        ]

    return column


def texts(read: Read, usual: str, check: Check) -> Column:
    """A column of texts and whole numbers, all as text."""

    def column(seen: Sequence[Any]) -> Iterable[Any]:
        found = list(map(read, seen))
        kinds = set(map(type, found))
        if kinds == _INTEGERS:
            return map(str, found)
        if kinds != _TEXTS or not all(found):
            check(seen)
            return [str(text) if type(text) is int else text or usual for text in found]
        return found

    return column


def anything(read: Read, usual: Any, check: Check) -> Column:
    """A column of values that are taken as they are."""

    def column(seen: Sequence[Any]) -> Iterable[Any]:
        found = list(map(read, seen))
        if UNSET in found or None in found:
            check(seen)
            return [usual if value is UNSET or value is None else value for value in found]
        return found

    return column


def special(read: Read, usual: Any, check: Check) -> Column:
    """A column of a field that takes more than msgspec does; ``read`` gives UNSET if missing."""

    def column(seen: Sequence[Any]) -> Iterable[Any]:
        check(seen)
        return [usual if (value := read(each)) is UNSET else value for each in seen]

    return column


def dimensions(reads: Sequence[tuple[str, Read]], check: Check) -> Column:
    """A column of what is kept beside the fields."""
    if not reads:
        return constant(_NO_DIMENSIONS)

    def column(seen: Sequence[Any]) -> Iterable[Any]:
        check(seen)
        return [
            {name: value for name, read in reads if (value := read(each)) is not UNSET}
            for each in seen
        ]

    return column


def maker(kind: Ending, columns: Mapping[str, Column], beside: Column | None) -> Make:
    """Make the function that makes outcomes of one kind.

    Args:
        kind: How the attempts ended.
        columns: The fields that are taken at all.
        beside: The dimensions; None if there are none.

    Returns:
        A function that makes an outcome of each of the lines that it is given. It raises
        `UnusualError` or a ValueError if one of them is to be looked at slowly.
    """
    event = EVENTS[kind]
    failed = event == JOB_FAILED
    taken = {
        name: columns[name]
        for name in USUAL
        if name in columns and (failed or not name.startswith("error"))
    }
    if not failed and beside is None and taken.keys() <= {"timestamp", "duration"}:
        return _of_times(event, taken)
    beside = constant(_NO_DIMENSIONS) if beside is None else beside
    names = [name for name in USUAL if failed or not name.startswith("error")]
    all_of = [beside, *(taken.get(name) or constant(USUAL[name]) for name in names)]
    return _of_failures(event, all_of, dead=kind == "dead") if failed else _of_all(event, all_of)


def _of_times(event: str, columns: Mapping[str, Column]) -> Make:
    usual = constant(UNSET)
    when, took = columns.get("timestamp", usual), columns.get("duration", usual)

    def make(seen: Sequence[Any]) -> list[Foreign]:
        return [
            Foreign(event=event, timestamp=at, duration_ns=duration, dimensions=_NO_DIMENSIONS)
            for _, at, duration in zip(seen, when(seen), took(seen), strict=False)
        ]

    return make


def _of_all(event: str, columns: Sequence[Column]) -> Make:
    def make(seen: Sequence[Any]) -> list[Foreign]:
        rows = zip(seen, *(column(seen) for column in columns), strict=False)  # some have no end
        return [
            Foreign(
                event=event,
                timestamp=at,
                duration_ns=duration,
                wait_ns=wait,
                confidence=confidence,
                job=job,
                kind=kind,
                attempt=attempt,
                warnings=warnings,
                dimensions=beside,
            )
            for _, beside, at, duration, wait, confidence, job, kind, attempt, warnings in rows
        ]

    return make


def _of_failures(event: str, columns: Sequence[Column], *, dead: bool) -> Make:
    def make(seen: Sequence[Any]) -> list[Foreign]:
        beside, *others = (column(seen) for column in columns)
        *others, error_types, errors = others
        rows = zip(seen, beside, zip(error_types, errors, strict=False), *others, strict=False)
        return [
            Foreign(
                event=event,
                to_dlq=dead,
                timestamp=at,
                duration_ns=duration,
                wait_ns=wait,
                confidence=confidence,
                job=job,
                kind=kind,
                attempt=attempt,
                warnings=warnings,
                error_type=error[0],
                error=error[1],
                dimensions=more,
            )
            for _, more, error, at, duration, wait, confidence, job, kind, attempt, warnings in rows
        ]

    return make
