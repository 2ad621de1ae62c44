"""A worker's summary, for people and as fields of its ``batch.summary`` event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from events.errors import SyncStatsError
from events.model import BATCH_SUMMARY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_queue.dlq import DeadLetterQueue
    from worker.listener import WorkerListener
    from worker.recorder import Recorder
    from worker.stats import SyncStats


class Summaries:
    """Gives a summary every so many outcomes, and at the end.

    Args:
        every: How many; 0: at the end only.
        recorder: Knows what was recorded, and takes the event.
        letters: The dead letters.
        listener: Told the summary in words.
    """

    def __init__(
        self, every: int, recorder: Recorder, letters: DeadLetterQueue, listener: WorkerListener
    ) -> None:
        self._every = every
        self._recorder = recorder
        self._letters = letters
        self._listener = listener
        self._recorded = 0

    def stage(self, *, last: bool = False) -> bool:
        """Put one that is due into the write of the outcomes that it ends with; say if one was."""
        new = self._recorder.recorded - self._recorded
        due = new > 0 if last else 0 < self._every <= new
        if due:
            self._recorded = self._recorder.recorded
            self._recorder.emit(BATCH_SUMMARY, **summary_fields(self._recorder.counts))
        return due

    def tell(self) -> None:
        """Tell it to people, when it is true: the outcomes and dead letters are on the disk."""
        lines = [summary_line(self._recorder.counts)]
        try:
            dead = dead_letter_line(self._letters.get_error_summary())
        except SyncStatsError as error:  # whom it is told to is no reason to end the work
            self._listener.notice(f"the summary is without the dead letters: {error}")
            dead = ""
        self._listener.summary([*lines, dead] if dead else lines)


def summary_line(stats: SyncStats) -> str:
    """What a worker did so far, in one line.

    >>> from worker.stats import SyncStats
    >>> stats = SyncStats()
    >>> stats.record_success(0.15)
    >>> summary_line(stats)
    'Sync summary: 1/1 succeeded (100.0%), avg 150ms, confidence: 1 high / 0 low'
    """
    line = (
        f"Sync summary: {stats.jobs_succeeded}/{stats.jobs_processed} succeeded "
        f"({stats.success_rate:.1f}%), avg {_milliseconds(stats.avg_processing_time)}, "
        f"confidence: {stats.high_confidence_matches} high / {stats.low_confidence_matches} low"
    )
    return line + (f", {stats.jobs_skipped} skipped" if stats.jobs_skipped else "")


def _milliseconds(seconds: float) -> str:
    """Write a time span in milliseconds.

    >>> [_milliseconds(s) for s in (0, 0.00001, 0.00005, 0.0042, 0.15)]
    ['0ms', '<0.1ms', '0.1ms', '4.2ms', '150ms']
    """
    ms = seconds * 1000
    if ms >= 9.95 or not ms:
        return f"{ms:.0f}ms"
    return f"{ms:.1f}ms" if ms >= 0.05 else "<0.1ms"


def dead_letter_line(summary: Mapping[str, int]) -> str:
    """What the dead letters hold, in one line; "" when there are none.

    >>> dead_letter_line({"PlexNotFound": 3, "PermanentError": 2})
    'DLQ contains 5 items: 3 PlexNotFound, 2 PermanentError'
    """
    total = sum(summary.values())
    if not total:
        return ""
    types = ", ".join(f"{count} {name}" for name, count in summary.items())
    return f"DLQ contains {total} item{'' if total == 1 else 's'}: {types}"


def summary_fields(stats: SyncStats) -> dict[str, Any]:
    """The same as fields of an event."""
    return {
        "jobs_processed": stats.jobs_processed,
        "jobs_succeeded": stats.jobs_succeeded,
        "jobs_failed": stats.jobs_failed,
        "jobs_to_dlq": stats.jobs_to_dlq,
        "jobs_skipped": stats.jobs_skipped,
        "success_rate": stats.success_rate,
        "avg_duration_ns": round(stats.avg_processing_time * 1e9),
        "high_confidence_matches": stats.high_confidence_matches,
        "low_confidence_matches": stats.low_confidence_matches,
        "errors_by_type": dict(stats.errors_by_type),
    }
