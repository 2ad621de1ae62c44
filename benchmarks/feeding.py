"""A log that grows at a steady pace, and a note of when each of its lines was there."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.logs import STREAM, blocks
from benchmarks.runs import WayError
from benchmarks.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVENTS_PER_S = 10_000
_BATCH = 100  # events, as a worker writes them


@dataclass
class Fed:
    """What was written.

    Attributes:
        at: Of each batch: when its write had ended, and how many events stood in the log then.
        behind_s: By how much the last write came too late.
    """

    at: list[tuple[float, int]] = field(default_factory=list)
    behind_s: float = 0.0


def make_stream(data: Path) -> Path:
    """An event log with one stream that has no line yet; gives the stream's segment."""
    folder = data / "events" / STREAM
    folder.mkdir(parents=True)
    segment = folder / f"{0:020d}.jsonl"
    segment.touch()
    return segment


def feed(segment: Path, seconds: float, seed: int, clock: Callable[[], float]) -> Fed:
    """Append events to ``segment`` for so long, one write for each batch."""
    count = int(EVENTS_PER_S * seconds)
    lines = b"".join(blocks(count, seed, Totals())).splitlines(keepends=True)
    batches = [b"".join(lines[at : at + _BATCH]) for at in range(0, count, _BATCH)]
    fed = Fed()
    file = os.open(segment, os.O_WRONLY | os.O_APPEND)
    try:
        begin = clock()
        for number, batch in enumerate(batches):
            due = begin + number * _BATCH / EVENTS_PER_S
            wait = due - clock()
            if wait > 0:
                time.sleep(wait)
            os.write(file, batch)
            now = clock()
            fed.at.append((now, min((number + 1) * _BATCH, count)))
            fed.behind_s = now - due
    finally:
        os.close(file)
    return fed


def delays_s(written: list[tuple[float, int]], seen: list[tuple[float, int]]) -> list[float]:
    """How long after it was written each event was seen.

    Args:
        written: When how many events stood in the log.
        seen: When how many were seen.

    Returns:
        Seconds, one for each write.

    Raises:
        WayError: Not all events were seen.
    """
    found = []
    rest = iter(seen)
    at, count = next(rest, (0.0, -1))
    for moment, wanted in written:
        while 0 <= count < wanted:
            at, count = next(rest, (0.0, -1))
        if count < 0:
            raise WayError(f"a follower showed {seen[-1][1] if seen else 0:,} of {wanted:,} events")
        found.append(max(at - moment, 0.0))
    return found
