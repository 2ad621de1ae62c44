"""Sums over other programs' outcomes, as tallies that stats take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.clock import to_us
from projections.tallying import moments_us, tally_outcomes

if TYPE_CHECKING:
    from events.formats.fast.sums import Sums
    from worker.tally import OutcomeTally


def tally_sums(sums: Sums) -> tuple[OutcomeTally, int | None]:
    """Add up sums and the outcomes that are not in them.

    Returns:
        The tally, with the time of the earliest outcome; and the time of the newest one, in
        microseconds since 1970, None if none tells.
    """
    tally = tally_outcomes(sums.outcomes)
    spans = [span for span in (moments_us(sums.outcomes),) if span is not None]
    if sums.earliest is not None and sums.newest is not None:
        spans.append((to_us(sums.earliest), to_us(sums.newest)))
    tally.succeeded += sums.succeeded
    tally.failed += sums.failed
    tally.to_dlq += sums.dead
    tally.retried += sums.failed - sums.dead
    tally.skipped += sums.skipped
    tally.recovered += sums.recovered
    tally.high += sums.high
    tally.low += sums.succeeded - sums.high
    tally.with_warnings += sums.with_warnings
    tally.latency_ns += sums.latency_ns
    tally.waiting_ns += sums.waiting_ns
    tally.time_ns = sum(tally.latency_ns)
    for name, count in sums.errors.items():
        tally.errors[name] = tally.errors.get(name, 0) + count
    if not spans:
        return tally, None
    tally.earliest_us = min(earliest for earliest, _ in spans)
    return tally, max(newest for _, newest in spans)
