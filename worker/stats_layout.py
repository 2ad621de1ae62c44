"""How stats stand in JSON: the nine fields that every reader knows, then the others.

Reading is strict: a value that cannot be is told by its field, and nothing of it is believed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worker.error_counts import check_counts
from worker.histogram import read_histogram
from worker.units import LONGEST_S, NS_PER_S, add, check_count, check_moment, seconds, to_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from worker.histogram import Histogram
    from worker.stats import SyncStats

COUNTERS = (
    "jobs_processed",
    "jobs_succeeded",
    "jobs_failed",
    "jobs_to_dlq",
    "high_confidence_matches",
    "low_confidence_matches",
    "jobs_skipped",
    "jobs_retried",
    "jobs_recovered",
    "jobs_with_warnings",
)
"""The fields that are counts: they add up when stats are merged."""

TOTAL = "total_processing_time"
TOTAL_NS = "total_processing_time_ns"


@dataclass(frozen=True, slots=True)
class Damage:
    """Why something is no stats.

    Attributes:
        field: The field at fault; "" if it is the whole.
        reason: What is wrong, in words that name the field.
    """

    field: str
    reason: str


def layout(stats: SyncStats) -> dict[str, Any]:
    """Write stats for JSON, always in this order, sharing nothing with them."""
    errors = stats.errors_by_type
    return {
        "jobs_processed": stats.jobs_processed,
        "jobs_succeeded": stats.jobs_succeeded,
        "jobs_failed": stats.jobs_failed,
        "jobs_to_dlq": stats.jobs_to_dlq,
        TOTAL: stats.total_processing_time_ns / NS_PER_S,
        "session_start": None if stats.session_start == math.inf else stats.session_start,
        "errors_by_type": {name: errors[name] for name in sorted(errors)},
        "high_confidence_matches": stats.high_confidence_matches,
        "low_confidence_matches": stats.low_confidence_matches,
        "jobs_skipped": stats.jobs_skipped,
        "jobs_retried": stats.jobs_retried,
        "jobs_recovered": stats.jobs_recovered,
        "jobs_with_warnings": stats.jobs_with_warnings,
        TOTAL_NS: stats.total_processing_time_ns,
        "success_rate": stats.success_rate,
        "completion_rate": stats.completion_rate,
        "avg_processing_time": stats.avg_processing_time,
        "quantiles": {"latency": _quantiles(stats.latency), "waiting": _quantiles(stats.waiting)},
        "latency": stats.latency.to_dict(),
        "waiting": stats.waiting.to_dict(),
    }


def _quantiles(histogram: Histogram) -> dict[str, float]:
    """The quantiles that are shown, in seconds."""
    shown = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: histogram.quantile(q) for name, q in shown.items()}


def read_fields(data: object) -> dict[str, Any] | Damage:
    """Read what ``layout`` wrote, or as much of it as other programs write.

    Missing keys are left out; unknown keys and those that follow from others are not looked at.

    Returns:
        The arguments for ``SyncStats``, or what is wrong.
    """
    if not isinstance(data, dict):
        return Damage("", f"it must be a JSON object, not {_kind(data)}")
    fields: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name not in data:
            continue
        try:
            fields[name] = read(name, data[name])
        except (TypeError, ValueError) as error:
            return Damage(name, str(error))
    total_ns = fields.pop(TOTAL_NS, None)
    if total_ns is not None:
        if TOTAL in data and data[TOTAL] != total_ns / NS_PER_S:
            return Damage(TOTAL_NS, f"{TOTAL_NS} does not agree with {TOTAL}")
        fields[TOTAL] = seconds(total_ns)
    ended = add(fields.get("jobs_succeeded", 0), fields.get("jobs_failed", 0))
    if ended > fields.get("jobs_processed", 0):
        return Damage("jobs_processed", "jobs_processed is below jobs_succeeded + jobs_failed")
    if fields.get("jobs_to_dlq", 0) > fields.get("jobs_failed", 0):
        return Damage("jobs_to_dlq", "jobs_to_dlq is above jobs_failed")
    return fields


def _read_total(name: str, value: object) -> float:
    """Read seconds; unlike a sum, a file's total is not cut to the largest that can be."""
    total_ns = to_ns(name, value)
    if isinstance(value, (int, float)) and value > LONGEST_S:
        raise ValueError(f"{name} must be at most 2^63 - 1 nanoseconds")
    return seconds(total_ns)


def _read_moment(name: str, value: object) -> float:
    """Read seconds since 1970; null is none yet, and there is no infinity in JSON."""
    if value == math.inf:
        raise ValueError(f"{name} must be finite, or null")
    return math.inf if value is None else check_moment(name, value)


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    **dict.fromkeys(COUNTERS, check_count),
    TOTAL: _read_total,
    TOTAL_NS: check_count,
    "session_start": _read_moment,
    "errors_by_type": check_counts,
    "latency": read_histogram,
    "waiting": read_histogram,
}


def _kind(value: object) -> str:
    """JSON's own word for a value that is no object."""
    words = {"NoneType": "null", "list": "an array", "str": "a string", "bool": "a truth value"}
    return words.get(type(value).__name__, "a number")
