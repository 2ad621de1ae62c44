"""``SyncStats``: what attempts at jobs add up to, and how such sums are merged.

It knows no events: whoever reads them fills it, one by one or in bulk. Importing it loads nothing
but the standard library.
"""

from __future__ import annotations

import math
import time
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Any, cast

from worker.error_counts import (
    MAX_ERROR_NAME,
    MAX_ERROR_TYPES,
    OTHER_ERRORS,
    add_counts,
    check_counts,
    check_name,
)
from worker.error_counts import minus as minus_counts
from worker.errors import StatsError
from worker.histogram import Histogram
from worker.stats_layout import COUNTERS, Damage, layout, read_fields
from worker.units import MAX_COUNT, NS_PER_S, add, check_count, check_moment, less, seconds, to_ns

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from worker.tally import OutcomeTally

__all__ = ["MAX_COUNT", "MAX_ERROR_NAME", "MAX_ERROR_TYPES", "OTHER_ERRORS", "SyncStats"]


class _TotalTime:
    """Shows an object's exact nanoseconds as seconds, and takes seconds; its default is 0.0."""

    def __get__(self, stats: SyncStats | None, _owner: type[SyncStats]) -> float:
        return 0.0 if stats is None else seconds(stats.total_processing_time_ns)

    def __set__(self, stats: SyncStats, value: float) -> None:
        stats.total_processing_time_ns = to_ns("total_processing_time", value)


@dataclass(eq=False)
class SyncStats:  # noqa: PLW1641 (it changes, so it has no hash)
    """Sums over attempts at jobs: a commutative monoid.

    ``merge`` is associative and commutative and ``SyncStats.zero()`` is its identity, all with
    ``==`` and no tolerance. Every number is from 0 to 2^63 - 1, where sums stop.

    An object also knows which part of it is in which file, so that ``save_to_file`` adds only what
    is new there. Merging, copying, pickling and ``dataclasses.replace`` carry that along; it is no
    part of the value (``==``, ``repr``, ``to_dict``). What was recorded and not yet saved when an
    object was copied is new in each of the copies: each of them brings it to a file.

    Threads that record into one object need a lock of their own.

    Attributes:
        jobs_processed: Attempts that succeeded or failed. All ``jobs_`` fields count attempts.
        jobs_succeeded: Attempts that succeeded.
        jobs_failed: Attempts that failed, for good or not.
        jobs_to_dlq: Attempts that failed for good: their jobs became dead letters.
        total_processing_time: What those processed took, in seconds; a view of the exact
            ``total_processing_time_ns``, and settable.
        session_start: When it began, in seconds since 1970; infinity for nothing yet.
        errors_by_type: Error type to attempts that failed with it, for at most 1,000 types; the
            rest are summed under ``OTHER_ERRORS``.
        high_confidence_matches: Successes whose match was sure.
        low_confidence_matches: Successes whose match was not.
        jobs_skipped: Attempts with nothing to do; in none of the counts above.
        jobs_retried: Failures after which the job is tried again.
        jobs_recovered: Successes at a later attempt than the first.
        jobs_with_warnings: Attempts with one warning or more.
        latency: What each attempt that was processed took.
        waiting: How long jobs waited from being due to being started.
        total_processing_time_ns: The exact total, in nanoseconds. No argument of the constructor.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of range. Both name the argument.
    """

    jobs_processed: int = 0
    jobs_succeeded: int = 0
    jobs_failed: int = 0
    jobs_to_dlq: int = 0
    total_processing_time: float = cast("float", _TotalTime())
    session_start: float = field(default_factory=time.time)
    errors_by_type: dict[str, int] = field(default_factory=dict)
    high_confidence_matches: int = 0
    low_confidence_matches: int = 0
    jobs_skipped: int = 0
    jobs_retried: int = 0
    jobs_recovered: int = 0
    jobs_with_warnings: int = 0
    latency: Histogram = field(default_factory=Histogram)
    waiting: Histogram = field(default_factory=Histogram)
    # What is in which file. No field, so that only dataclasses.replace (by this name) carries it.
    _stored: InitVar[Mapping[str, SyncStats] | None] = None

    def __post_init__(self, _stored: Mapping[str, SyncStats] | None) -> None:
        for name in COUNTERS:
            check_count(name, getattr(self, name))
        self.session_start = check_moment("session_start", self.session_start)
        self.errors_by_type = check_counts("errors_by_type", self.errors_by_type)
        for name in ("latency", "waiting"):
            histogram = getattr(self, name)
            if not isinstance(histogram, Histogram):
                raise TypeError(f"{name} must be a Histogram, not {type(histogram).__name__}")
            setattr(self, name, histogram.copy())
        self.__dict__["_stored"] = dict(_stored or {})

    total_processing_time_ns = 0

    @property
    def stored(self) -> dict[str, SyncStats]:
        """What part of these stats is in which file, by the key of ``worker.stats_file``."""
        return cast("dict[str, SyncStats]", self.__dict__["_stored"])

    @classmethod
    def zero(cls) -> SyncStats:
        """Make the identity of ``merge``: nothing counted, and no start."""
        return cls(session_start=math.inf)

    def record_success(self, processing_time: float, confidence: str | None = "high") -> None:
        """Count an attempt that succeeded.

        Args:
            processing_time: What it took, in seconds.
            confidence: ``"high"``; anything else counts as low.

        Raises:
            TypeError: The time is no number. Nothing is counted then.
            ValueError: The time is negative, NaN or infinite. Nothing is counted then.
        """
        high = confidence == "high"
        self._record_time(processing_time)
        self.jobs_succeeded = add(self.jobs_succeeded, 1)
        if high:
            self.high_confidence_matches = add(self.high_confidence_matches, 1)
        else:
            self.low_confidence_matches = add(self.low_confidence_matches, 1)

    def record_failure(
        self,
        error_type: str,
        processing_time: float,
        to_dlq: bool = False,
    ) -> None:
        """Count an attempt that failed.

        Args:
            error_type: The error's name.
            processing_time: What it took, in seconds.
            to_dlq: Whether the job became a dead letter; else it is tried again.

        Raises:
            TypeError: The time is no number, the error type no str. Nothing is counted then.
            ValueError: The time is negative, NaN or infinite, the error type empty. Nothing is
                counted then.
        """
        name = check_name("error_type", error_type)
        dead = bool(to_dlq)
        self._record_time(processing_time)
        self.jobs_failed = add(self.jobs_failed, 1)
        if dead:
            self.jobs_to_dlq = add(self.jobs_to_dlq, 1)
        else:
            self.jobs_retried = add(self.jobs_retried, 1)
        add_counts(self.errors_by_type, {name: 1})

    def _record_time(self, processing_time: float) -> None:
        """Count an attempt that was processed, and its time; nothing if that is no time."""
        time_ns = to_ns("processing_time", processing_time)
        self.jobs_processed = add(self.jobs_processed, 1)
        self.total_processing_time_ns = add(self.total_processing_time_ns, time_ns)
        self.latency.record(time_ns)

    def record_skip(self, processing_time: float = 0.0) -> None:
        """Count an attempt with nothing to do: not processed, and its time is not added.

        Args:
            processing_time: What it took, in seconds; only looked at.

        Raises:
            TypeError: The time is no number. Nothing is counted then.
            ValueError: The time is negative, NaN or infinite. Nothing is counted then.
        """
        to_ns("processing_time", processing_time)
        self.jobs_skipped = add(self.jobs_skipped, 1)

    def add(self, tally: OutcomeTally) -> None:
        """Count many attempts at once."""
        self.jobs_processed = add(self.jobs_processed, tally.succeeded + tally.failed)
        self.jobs_succeeded = add(self.jobs_succeeded, tally.succeeded)
        self.jobs_failed = add(self.jobs_failed, tally.failed)
        self.jobs_to_dlq = add(self.jobs_to_dlq, tally.to_dlq)
        self.high_confidence_matches = add(self.high_confidence_matches, tally.high)
        self.low_confidence_matches = add(self.low_confidence_matches, tally.low)
        self.jobs_skipped = add(self.jobs_skipped, tally.skipped)
        self.jobs_retried = add(self.jobs_retried, tally.retried)
        self.jobs_recovered = add(self.jobs_recovered, tally.recovered)
        self.jobs_with_warnings = add(self.jobs_with_warnings, tally.with_warnings)
        self.total_processing_time_ns = add(self.total_processing_time_ns, tally.time_ns)
        add_counts(self.errors_by_type, tally.errors)
        self.latency.record_many(tally.latency_ns)
        self.waiting.record_many(tally.waiting_ns)
        if tally.latency is not None:
            self.latency.absorb(tally.latency)
        if tally.waiting is not None:
            self.waiting.absorb(tally.waiting)
        if tally.earliest_us is not None:
            # A time before 1970 counts as 1970: no reader takes a negative one.
            earliest = max(tally.earliest_us, 0) / 1_000_000
            self.session_start = min(self.session_start, earliest)

    @property
    def success_rate(self) -> float:
        """Attempts that succeeded, in percent of those processed; 0.0 with none."""
        return _percent(self.jobs_succeeded, self.jobs_processed)

    @property
    def completion_rate(self) -> float:
        """Jobs that succeeded, in percent of those that came to an end; 0.0 with none."""
        return _percent(self.jobs_succeeded, self.jobs_succeeded + self.jobs_to_dlq)

    @property
    def avg_processing_time(self) -> float:
        """What an attempt took on average, in seconds; 0.0 with none."""
        if not self.jobs_processed:
            return 0.0
        return self.total_processing_time_ns / (self.jobs_processed * NS_PER_S)

    def quantile(self, q: float) -> float:
        """The latency that a share ``q`` of the attempts did not exceed, see ``Histogram``."""
        return self.latency.quantile(q)

    def merge(self, other: SyncStats) -> SyncStats:
        """Make the stats of both together; neither is changed.

        Raises:
            TypeError: ``other`` is no ``SyncStats``.
        """
        if not isinstance(other, SyncStats):
            raise TypeError(f"SyncStats can be merged with SyncStats, not {type(other).__name__}")
        merged = self.copy()
        merged.absorb(other)
        return merged

    def __add__(self, other: object) -> SyncStats:
        return self.merge(other) if isinstance(other, SyncStats) else NotImplemented

    @classmethod
    def merge_all(cls, parts: Iterable[SyncStats]) -> SyncStats:
        """Make the stats of all ``parts`` together: as merging one by one, and faster."""
        merged = cls.zero()
        for part in parts:
            merged.absorb(part)
        return merged

    def absorb(self, other: SyncStats) -> None:
        """Add all of ``other`` to this object, and what it knows of files."""
        mine, others = self.__dict__, other.__dict__
        for name in (*COUNTERS, "total_processing_time_ns"):
            mine[name] = add(mine[name], others[name])
        self.session_start = min(self.session_start, other.session_start)
        add_counts(self.errors_by_type, other.errors_by_type)
        self.latency.absorb(other.latency)
        self.waiting.absorb(other.waiting)
        for file, part in other.stored.items():
            self.stored[file] = self.stored[file].merge(part) if file in self.stored else part

    def minus(self, part: SyncStats) -> SyncStats:
        """What was added to ``part`` to make these stats: merged with ``part`` it gives them again.

        Its start is that of the whole; it knows no files.
        """
        rest = SyncStats(
            session_start=self.session_start,
            errors_by_type=minus_counts(self.errors_by_type, part.errors_by_type),
            latency=self.latency.minus(part.latency),
            waiting=self.waiting.minus(part.waiting),
        )
        for name in (*COUNTERS, "total_processing_time_ns"):
            rest.__dict__[name] = less(self.__dict__[name], part.__dict__[name])
        return rest

    def copy(self) -> SyncStats:
        """Make an equal object that shares nothing with this one, and knows the same of files."""
        twin = object.__new__(type(self))
        twin.__dict__.update(
            self.__dict__,
            errors_by_type=self.errors_by_type.copy(),
            latency=self.latency.copy(),
            waiting=self.waiting.copy(),
            _stored=self.stored.copy(),
        )
        return twin

    __copy__ = copy

    def _value(self) -> tuple[object, ...]:
        """All that makes two stats equal."""
        mine = self.__dict__
        return (
            *(mine[name] for name in COUNTERS),
            self.total_processing_time_ns,
            self.session_start,
            self.errors_by_type,
            self.latency,
            self.waiting,
        )

    def __eq__(self, other: object) -> bool:
        return self._value() == other._value() if isinstance(other, SyncStats) else NotImplemented

    def to_dict(self) -> dict[str, Any]:
        """Write all fields and what follows from them, ready for JSON, always in one order."""
        return layout(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SyncStats:
        """Read what ``to_dict`` wrote; missing keys are defaults, unknown keys are not looked at.

        Raises:
            StatsError: A field cannot be; the message names it.
        """
        fields = read_fields(data)
        if isinstance(fields, Damage):
            raise StatsError(f"these are no stats: {fields.reason}")
        return cls(**fields)

    def save_to_file(self, filepath: str | os.PathLike[str]) -> None:
        """Add to a file what of these stats is not in it yet; see ``worker.stats_file.save``."""
        from worker.stats_file import save

        save(self, filepath)

    @classmethod
    def load_from_file(cls, filepath: str | os.PathLike[str]) -> SyncStats:
        """Read stats from a file; fresh ones if that cannot be; see ``worker.stats_file.load``."""
        from worker.stats_file import load

        return load(filepath)


def _percent(part: int, whole: int) -> float:
    """A share in percent; 0.0 of nothing."""
    return 100 * part / whole if whole else 0.0
