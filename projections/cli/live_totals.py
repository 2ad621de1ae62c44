"""What came since somebody began to look, on one line that fits the terminal."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from events.model import elapsed_ns
from projections.cli.output import count, duration, percent

if TYPE_CHECKING:
    from projections.cli.event_view import ReadEvent

WINDOW_S = 10
"""The rate is that of the last so many seconds."""
_LEAST_S = 1.0  # right after the start, a rate of the first milliseconds would say nothing
_SLOTS_PER_S = 4  # the window moves on in steps of a quarter of a second
_SLOT_NS = 1_000_000_000 // _SLOTS_PER_S
_FEW = 9.95  # a rate below this has a decimal place


class Rate:
    """How many a second, over the last `WINDOW_S` seconds, in bounded memory.

    Args:
        now_ns: The monotonic clock, in nanoseconds.
    """

    def __init__(self, now_ns: int) -> None:
        self._began_ns = now_ns
        self._slots: deque[list[int]] = deque()  # pairs of slot and count

    def add(self, now_ns: int) -> None:
        """Count one."""
        slot = now_ns // _SLOT_NS
        if self._slots and self._slots[-1][0] == slot:
            self._slots[-1][1] += 1
            return
        self._slots.append([slot, 1])
        self._forget(now_ns)

    def per_s(self, now_ns: int) -> float:
        """How many came a second."""
        self._forget(now_ns)
        passed_s = (now_ns - self._began_ns) / 1e9
        return sum(n for _, n in self._slots) / min(max(passed_s, _LEAST_S), WINDOW_S)

    def _forget(self, now_ns: int) -> None:
        oldest = now_ns // _SLOT_NS - WINDOW_S * _SLOTS_PER_S
        while self._slots and self._slots[0][0] <= oldest:
            self._slots.popleft()


class LiveTotals:
    """Adds up outcomes as they come: each line that came, whether it was seen before or not.

    Args:
        now_ns: The monotonic clock, in nanoseconds.
    """

    def __init__(self, now_ns: int) -> None:
        self._ends = {"succeeded": 0, "failed": 0, "dead": 0, "skipped": 0}
        self._time_ns = 0
        self._rate = Rate(now_ns)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing came yet."""
        return not any(self._ends.values())

    def add(self, told: ReadEvent, now_ns: int) -> None:
        """Count it, if it is an outcome that was not told before."""
        end = told.end
        if end is None or told.event is None or told.again:
            return
        self._ends[end] += 1
        self._rate.add(now_ns)
        if end != "skipped":
            self._time_ns += elapsed_ns(told.event)

    def text(self, width: int, now_ns: int, *, shown: int | None = None) -> str:
        """Say it in at most so many columns, in ASCII: the less room, the less is said.

        Args:
            width: The columns.
            now_ns: The monotonic clock, in nanoseconds.
            shown: How many of the lines were shown; None if all were.
        """
        succeeded, dead, skipped = (self._ends[end] for end in ("succeeded", "dead", "skipped"))
        failed = self._ends["failed"] + dead
        attempts = succeeded + failed
        rate = percent(100 * succeeded / attempts if attempts else 0.0)
        took = duration(self._time_ns / attempts / 1e9 if attempts else 0.0)
        speed = _speed(self._rate.per_s(now_ns))
        noun = "attempt" if attempts == 1 else "attempts"
        bare = f"{count(failed)} failed, {count(dead)} dead"
        ended = f"{bare}, {count(skipped)} skipped" if skipped else bare
        picked = "" if shown is None else f"; {count(shown)} shown"
        head = f"{count(attempts)} {noun}:"
        ways = (
            f"{head} {count(succeeded)} succeeded ({rate}), {ended}; avg {took}; {speed}{picked}",
            f"{head} {rate} succeeded, {ended}; avg {took}; {speed}{picked}",
            f"{count(attempts)}: {rate} ok, {ended}; {took}; {speed}{picked}",
            f"{count(attempts)}: {rate} ok, {bare}; {speed}{picked}",
            f"{count(attempts)}: {bare}; {speed}",
            f"{count(attempts)}: {count(failed)} failed; {speed}",
            f"{count(attempts)}; {speed}",
        )
        return next((way for way in ways if len(way) <= width), speed[:width])


def _speed(per_s: float) -> str:
    """Write a rate.

    >>> _speed(0), _speed(0.04), _speed(0.3), _speed(1234.5)
    ('0/s', '<0.1/s', '0.3/s', '1,234/s')
    """
    if per_s == 0 or per_s >= _FEW:
        return f"{per_s:,.0f}/s"
    return f"{per_s:.1f}/s" if per_s >= 0.05 else "<0.1/s"
