"""What outcomes add up to, without an object for each: for who wants the stats of a log alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from events.formats.lines.decisions import EVENTS
from events.model import HIGH, JOB_FAILED, JOB_SKIPPED, UNKNOWN_ERROR

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from events.formats.fast.columns import Column
    from events.formats.mapping import Ending
    from events.formats.outcome import Foreign

    Add = Callable[["Sums", Sequence[Any]], None]

COUNTED = ("timestamp", "duration", "wait", "confidence", "attempt", "warnings", "error_type")
"""The fields on which stats stand."""


@dataclass(slots=True)
class Sums:
    """Sums over outcomes, and those outcomes that are not in them.

    Attributes:
        outcomes: Outcomes that are to be added by whoever takes the sums.
        succeeded: Attempts that succeeded.
        failed: Attempts that failed, for good or not.
        dead: Of those that failed: for good.
        skipped: Attempts with nothing to do.
        recovered: Of those that succeeded: at a later attempt than the first.
        high: Of those that succeeded: the match was sure.
        with_warnings: Attempts with one warning or more.
        errors: Error type to how many attempts failed with it.
        latency_ns: What each attempt took that was not skipped, in no order.
        waiting_ns: How long each was due before, where that is known.
        earliest: When the first one ended; None if none tells.
        newest: When the last one ended.
    """

    outcomes: list[Foreign] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0
    dead: int = 0
    skipped: int = 0
    recovered: int = 0
    high: int = 0
    with_warnings: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    latency_ns: list[int] = field(default_factory=list)
    waiting_ns: list[int] = field(default_factory=list)
    earliest: datetime | None = None
    newest: datetime | None = None

    def span(self, moments: list[Any]) -> None:
        """Take when some attempts ended; UNSET where that is missing."""
        try:
            earliest, newest = min(moments), max(moments)
        except (TypeError, ValueError):  # some are missing, or all
            earliest = newest = UNSET
        if earliest is UNSET:
            moments = [moment for moment in moments if moment is not UNSET]
            if not moments:
                return
            earliest, newest = min(moments), max(moments)
        if self.earliest is None or earliest < self.earliest:
            self.earliest = earliest
        if self.newest is None or newest > self.newest:
            self.newest = newest


def adder(kind: Ending, columns: Mapping[str, Column], judged: Sequence[Column]) -> Add:
    """Make the function that adds lines of one kind to sums.

    Args:
        kind: How the attempts ended.
        columns: The fields that are taken at all.
        judged: What no sum needs but what may find a line invalid.

    Returns:
        A function that adds some lines. Where one of them is to be looked at slowly it raises
        `events.formats.fast.columns.UnusualError` or a ValueError, and has added none.
    """
    event = EVENTS[kind]
    wanted = {name: columns[name] for name in COUNTED if name in columns}
    if event != JOB_FAILED:
        wanted.pop("error_type", None)

    def add(sums: Sums, seen: Sequence[Any]) -> None:
        for column in judged:
            column(seen)
        found: dict[str, Any] = {name: column(seen) for name, column in wanted.items()}
        if "warnings" in found:
            sums.with_warnings += sum(map(bool, found["warnings"]))
        sums.span(found.get("timestamp", []))
        if event == JOB_SKIPPED:
            sums.skipped += len(seen)
            return
        took = _there(found.get("duration", []))
        sums.latency_ns += took
        sums.latency_ns += [0] * (len(seen) - len(took))
        sums.waiting_ns += _there(found.get("wait", []))
        if event == JOB_FAILED:
            sums.failed += len(seen)
            sums.dead += len(seen) if kind == "dead" else 0
            sums.errors.update(found.get("error_type", [UNKNOWN_ERROR] * len(seen)))
        else:
            sums.succeeded += len(seen)
            sums.recovered += sum(map((1).__lt__, found.get("attempt", [])))
            sums.high += found["confidence"].count(HIGH) if "confidence" in found else len(seen)

    return add


def _there(times: list[Any]) -> list[int]:
    """Those that are not missing."""
    try:
        sum(times)  # the quickest way to tell
    except TypeError:
        return [time for time in times if time is not UNSET]
    return times
