"""Time, as a value that is passed in, so that a test can hold it still."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """What the program asks of time."""

    def now_us(self) -> int:
        """Wall clock: whole microseconds since 1970-01-01 UTC. May jump either way."""
        ...

    def monotonic_ns(self) -> int:
        """A clock that never goes back, in nanoseconds from some start: for durations only."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        """Wall clock, in microseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1000

    # Monotonic clock, in nanoseconds: the function itself, which is asked twice for each job.
    monotonic_ns = staticmethod(time.monotonic_ns)


def format_timestamp(us: int) -> str:
    """Write microseconds since 1970 as RFC 3339 in UTC, always 27 characters.

    >>> format_timestamp(1_764_000_000_123_456)
    '2025-11-24T16:00:00.123456Z'
    """
    moment = EPOCH + timedelta(microseconds=us)
    return moment.replace(tzinfo=None).isoformat("T", "microseconds") + "Z"


class Timestamps:
    """Formats moments that mostly lie in the same second as the one before."""

    def __init__(self) -> None:
        self._second_us = 0
        self._until_second = ""

    def format(self, us: int) -> str:
        """As `format_timestamp`."""
        fraction = us - self._second_us
        if not 0 <= fraction < 1_000_000 or not self._until_second:
            fraction = us % 1_000_000
            self._second_us = us - fraction
            self._until_second = format_timestamp(self._second_us)[:20]
        return f"{self._until_second}{fraction:06d}Z"


def to_us(moment: datetime) -> int:
    """Whole microseconds from 1970-01-01 UTC to an aware ``moment``, exactly."""
    return (moment - EPOCH) // _MICROSECOND
