"""What a batch of outcomes adds up to, before it is added to stats."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worker.histogram import Histogram


@dataclass(slots=True)
class OutcomeTally:
    """Neutral sums over some outcomes, filled by whoever reads them; ``SyncStats.add`` takes it.

    It checks nothing, since it is filled once a line: counts and nanoseconds are >= 0, names of
    errors are not empty.

    Attributes:
        succeeded: Attempts that succeeded.
        failed: Attempts that failed, for good or not.
        to_dlq: Of those that failed: they ended dead.
        skipped: Attempts with nothing to do; neither succeeded nor failed.
        retried: Of those that failed: they will be tried again.
        recovered: Of those that succeeded: at a later attempt than the first.
        with_warnings: Attempts with one warning or more.
        high: Successes whose match was sure.
        low: Successes whose match was not.
        errors: Error type to how many attempts failed with it.
        time_ns: What the attempts that succeeded or failed took together.
        latency_ns: What each of them took.
        waiting_ns: How long jobs waited from being due to being started.
        latency: More of the former, counted already.
        waiting: More of the latter, counted already.
        earliest_us: Time of the earliest outcome, microseconds since 1970; None without one.
    """

    succeeded: int = 0
    failed: int = 0
    to_dlq: int = 0
    skipped: int = 0
    retried: int = 0
    recovered: int = 0
    with_warnings: int = 0
    high: int = 0
    low: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    time_ns: int = 0
    latency_ns: list[int] = field(default_factory=list)
    waiting_ns: list[int] = field(default_factory=list)
    latency: Histogram | None = None
    waiting: Histogram | None = None
    earliest_us: int | None = None
