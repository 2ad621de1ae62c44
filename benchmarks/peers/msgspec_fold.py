"""A loop with msgspec that makes all of the stats that our fold makes: FILE [PROCESSES].

Counts, sums, errors, histograms of durations and of waiting, the earliest and the newest moment,
and a look at each ``seq``: what an expert would write in Python for this one format.
"""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from benchmarks.peers.answers import answer, arguments, line_blocks, over_ranges
from events.clock import format_timestamp, to_us
from worker.stats import SyncStats
from worker.tally import OutcomeTally

_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_Moment = Annotated[datetime, Meta(tz=True)]


class Line(msgspec.Struct, gc=False):
    """All that is folded of a line."""

    event: str
    stream: str
    seq: _Count
    timestamp: _Moment
    attempt: _Count = 0
    duration_ns: _Count = 0
    wait_ns: _Count | None = None
    confidence: str = "high"
    error_type: str = "unknown"
    to_dlq: bool = False


def fold(path: str, part: tuple[int, int]) -> tuple[SyncStats, datetime | None, list[list[int]]]:
    """Fold the lines of a range: stats, the newest moment, and the numbers that were seen."""
    decode_lines = msgspec.json.Decoder(Line).decode_lines
    stats, newest = SyncStats.zero(), None
    seen: list[list[int]] = []
    for block in line_blocks(path, part):
        tally = OutcomeTally()
        moments: list[datetime] = []
        for line in decode_lines(block):
            if seen and seen[-1][1] == line.seq:
                seen[-1][1] += 1
            else:
                seen.append([line.seq, line.seq + 1])
            _take(line, tally, moments)
        if moments:
            tally.earliest_us = to_us(min(moments))
            latest = max(moments)
            newest = latest if newest is None else max(newest, latest)
        tally.time_ns = sum(tally.latency_ns)
        stats.add(tally)
    return stats, newest, seen


def _take(line: Line, tally: OutcomeTally, moments: list[datetime]) -> None:
    event = line.event
    if event == "job.succeeded":
        tally.succeeded += 1
        if line.confidence == "high":
            tally.high += 1
        else:
            tally.low += 1
        if line.attempt > 1:
            tally.recovered += 1
        tally.latency_ns.append(line.duration_ns)
    elif event == "job.failed":
        tally.failed += 1
        tally.errors[line.error_type] = tally.errors.get(line.error_type, 0) + 1
        if line.to_dlq:
            tally.to_dlq += 1
        else:
            tally.retried += 1
        tally.latency_ns.append(line.duration_ns)
    elif event == "job.skipped":
        tally.skipped += 1
    else:
        return
    if line.wait_ns is not None and event != "job.skipped":
        tally.waiting_ns.append(line.wait_ns)
    moments.append(line.timestamp)


def main() -> None:
    """Print the stats, as ours are printed."""
    path, processes = arguments()
    parts = over_ranges(fold, path, processes)
    stats = SyncStats.merge_all(stats for stats, _, _ in parts)
    newest = max(moment for _, moment, _ in parts if moment is not None)
    runs = [run for _, _, seen in parts for run in seen]
    whole = [[runs[0][0], runs[-1][1]]] if _follow(runs) else runs
    as_of = format_timestamp(to_us(newest))
    answer({**stats.to_dict(), "as_of": as_of, "streams": {"": {"seen": whole}}})


def _follow(runs: list[list[int]]) -> bool:
    return all(left[1] == right[0] for left, right in itertools.pairwise(runs))


if __name__ == "__main__":
    main()
