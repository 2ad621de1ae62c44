"""What a log adds up to, in the few numbers that every peer can tell."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OUTCOMES = ("job.succeeded", "job.failed", "job.skipped")


class TotalsError(Exception):
    """Somebody counted something else than there is."""


@dataclass
class Totals:
    """Sums over the lines of a log.

    Attributes:
        succeeded: Attempts that succeeded.
        failed: Attempts that failed.
        skipped: Attempts with nothing to do.
        other: Lines that tell of no attempt.
        errors: Error type to attempts that failed with it.
        duration_ns: What the attempts that succeeded or failed took together.
    """

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    other: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    duration_ns: int = 0

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self.succeeded + self.failed + self.skipped + self.other


def from_groups(groups: Iterable[tuple[str, str | None, int, float | None]]) -> Totals:
    """What a ``GROUP BY event, error_type`` answers: with the count and the sum of durations."""
    totals = Totals()
    for event, error, count, duration_ns in groups:
        if event == "job.skipped":
            totals.skipped += count
        elif event not in OUTCOMES:
            totals.other += count
        else:
            totals.duration_ns += int(duration_ns or 0)
            if event == "job.succeeded":
                totals.succeeded += count
            else:
                name = error or "unknown"
                totals.failed += count
                totals.errors[name] = totals.errors.get(name, 0) + count
    return totals


def from_stats(stats: Mapping[str, Any]) -> Totals:
    """What our ``replay --json`` answers for lines that have numbers."""
    seen = sum(end - begin for stream in stats["streams"].values() for begin, end in stream["seen"])
    ended = stats["jobs_processed"] + stats["jobs_skipped"]
    return Totals(
        succeeded=stats["jobs_succeeded"],
        failed=stats["jobs_failed"],
        skipped=stats["jobs_skipped"],
        other=seen - ended,
        errors=dict(stats["errors_by_type"]),
        duration_ns=stats["total_processing_time_ns"],
    )


def from_dict(found: Mapping[str, Any]) -> Totals:
    """What a peer of this package prints."""
    return Totals(**found)


def check(name: str, found: Totals, wanted: Totals, unsaid: frozenset[str] = frozenset()) -> None:
    """Refuse totals that are not those of the log.

    Args:
        name: Who counted.
        found: What.
        wanted: What there is.
        unsaid: Fields that this peer cannot tell.

    Raises:
        TotalsError: They differ.
    """
    left, right = asdict(found), asdict(wanted)
    differ = [key for key in left if key not in unsaid and left[key] != right[key]]
    if differ:
        told = "; ".join(f"{key}: {left[key]}, wanted {right[key]}" for key in differ)
        raise TotalsError(f"{name} counted something else: {told}")
