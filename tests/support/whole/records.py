"""What the model of a data folder is made of: jobs, outcomes, lines; and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LOSSES = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Job:
    """A job that has not ended: it waits, or is leased to a stream."""

    id: int
    key: str | None
    due: int
    attempt: int = 0
    failures: int = 0
    not_found: int = 0
    losses: int = 0
    stream: str | None = None
    lease_seq: int | None = None


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended; ``event`` and the fields are those of its line."""

    event: str
    job_id: int
    attempt: int
    at_us: int
    duration_ns: int = 0
    warnings: int = 0
    confidence: str = "high"
    error_type: str | None = None
    to_dlq: bool = False
    retry_at_us: int | None = None
    not_found: bool = False
    queue_id: str = ""
    era: int = 0

    @property
    def is_end(self) -> bool:
        """Whether the job is over with it."""
        return self.event != "job.failed" or self.to_dlq

    def same(self, line: dict[str, Any]) -> bool:
        """Whether a line says this."""
        told: dict[str, Any] = {
            "event": self.event,
            "job_id": self.job_id,
            "attempt": self.attempt,
            "duration_ns": self.duration_ns,
            "error_type": self.error_type,
        }
        if self.event == "job.succeeded":
            told["confidence"] = self.confidence
        if self.event == "job.failed":
            told["to_dlq"] = self.to_dlq
        if self.warnings:
            told["warnings"] = self.warnings
        return all(line.get(name) == value for name, value in told.items())


@dataclass(frozen=True)
class Written:
    """A line of a log, and where it ends in its segment.

    Attributes:
        uid: Tells it from all other lines, also from those of another history of its stream.
    """

    uid: int
    seq: int
    event: str
    segment: str
    end: int
    outcome: Outcome | None


def outcome_of(line: dict[str, Any]) -> Outcome:
    """What a line says of an attempt that nobody has foretold."""
    at, again = (_us(line[name]) if name in line else None for name in ("timestamp", "retry_at"))
    assert at is not None
    return Outcome(
        event=line["event"],
        job_id=line["job_id"],
        attempt=line["attempt"],
        at_us=at,
        duration_ns=line["duration_ns"],
        warnings=line.get("warnings", 0),
        confidence=line.get("confidence", "high"),
        error_type=line.get("error_type"),
        to_dlq=line.get("to_dlq", False),
        retry_at_us=again,
        not_found=line.get("policy") == "not_found",
    )


def _us(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def stats_of(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The counts of ``stats.json``, counted one by one."""
    stats: dict[str, Any] = dict.fromkeys(
        [
            *("jobs_processed", "jobs_succeeded", "jobs_failed", "jobs_to_dlq", "jobs_skipped"),
            *("jobs_retried", "jobs_recovered", "jobs_with_warnings"),
            *("high_confidence_matches", "low_confidence_matches", "total_processing_time_ns"),
        ],
        0,
    )
    errors: dict[str, int] = {}
    times = []
    for outcome in outcomes:
        times.append(outcome.at_us)
        stats["jobs_with_warnings"] += outcome.warnings > 0
        if outcome.event == "job.skipped":
            stats["jobs_skipped"] += 1
            continue
        stats["jobs_processed"] += 1
        stats["total_processing_time_ns"] += outcome.duration_ns
        if outcome.event == "job.succeeded":
            stats["jobs_succeeded"] += 1
            stats["jobs_recovered"] += outcome.attempt > 1
            sure = "high" if outcome.confidence == "high" else "low"
            stats[f"{sure}_confidence_matches"] += 1
        else:
            stats["jobs_failed"] += 1
            stats["jobs_to_dlq" if outcome.to_dlq else "jobs_retried"] += 1
            name = str(outcome.error_type)
            errors[name] = errors.get(name, 0) + 1
    stats["errors_by_type"] = errors
    stats["session_start"] = min(times) / 1e6 if times else None
    return stats
