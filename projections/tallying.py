"""What outcomes add up to, before it is added to stats: the fold's inner loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from events.clock import to_us
from events.model import HIGH, JOB_SKIPPED, JOB_SUCCEEDED, elapsed_ns
from worker.tally import OutcomeTally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.model import Line


def tally_outcomes(outcomes: Sequence[Line]) -> OutcomeTally:
    """Add up outcomes.

    A skipped attempt is neither success nor failure: its time is not added either. When they were
    is told by `moments_us`, not in the tally.
    """
    tally = OutcomeTally()
    latency_ns, waiting_ns, errors = tally.latency_ns, tally.waiting_ns, tally.errors
    succeeded = recovered = high = 0
    for line in outcomes:
        if line.warnings:
            tally.with_warnings += 1
        event = line.event
        if event == JOB_SKIPPED:
            tally.skipped += 1
            continue
        took_ns = line.duration_ns
        latency_ns.append(elapsed_ns(line) if took_ns is UNSET else took_ns)
        if line.wait_ns is not UNSET:
            waiting_ns.append(line.wait_ns)
        if event == JOB_SUCCEEDED:
            succeeded += 1
            if line.attempt > 1:
                recovered += 1
            if line.confidence == HIGH:
                high += 1
        else:
            if line.to_dlq:
                tally.to_dlq += 1
            errors[line.error_type] = errors.get(line.error_type, 0) + 1
    tally.succeeded, tally.recovered = succeeded, recovered
    tally.high, tally.low = high, succeeded - high
    tally.failed = len(latency_ns) - succeeded
    tally.retried = tally.failed - tally.to_dlq
    tally.time_ns = sum(latency_ns)
    return tally


def moments_us(outcomes: Sequence[Line]) -> tuple[int, int] | None:
    """When the earliest and the newest of some outcomes ended, in microseconds since 1970.

    None if no outcome tells; ours all do, those of other programs may not.
    """
    moments = [line.timestamp for line in outcomes if line.timestamp is not UNSET]
    return (to_us(min(moments)), to_us(max(moments))) if moments else None


def tally_with_newest(outcomes: Sequence[Line]) -> tuple[OutcomeTally, int | None]:
    """Add up outcomes, with the time of the earliest; and tell that of the newest, None if none."""
    tally = tally_outcomes(outcomes)
    moments = moments_us(outcomes)
    if moments is None:
        return tally, None
    tally.earliest_us, newest_us = moments
    return tally, newest_us
