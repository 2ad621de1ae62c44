"""Steps 3 and 4 of the protocol: log first, then acknowledge. No other order is used anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from events.model import HIGH, Failed, Succeeded
from worker.letters import ending_of, letter_of
from worker.stats import SyncStats
from worker.tally import OutcomeTally

if TYPE_CHECKING:
    from events.emitter import Emitter
    from sync_queue.dead_letters import DeadLetter
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import Ending, LeasedJob
    from sync_queue.queue import JobQueue
    from worker.letters import OutcomeEvent

COUNTED_TOGETHER = 1_000
"""So many outcomes are added to the stats at once at the latest, if nobody asks for them before."""


class Ended(NamedTuple):
    """A finished attempt: the job as it was leased, and how it ended."""

    job: LeasedJob
    event: OutcomeEvent


class Recorder:
    """Makes outcomes durable, then tells the dead letters and the queue.

    Args:
        emitter: Writes to this worker's own stream.
        queue: Where the jobs are leased.
        letters: The dead letters.

    Attributes:
        recorded: How many outcomes were staged, of every kind.
    """

    def __init__(self, emitter: Emitter, queue: JobQueue, letters: DeadLetterQueue) -> None:
        self._emitter = emitter
        self._queue = queue
        self._letters = letters
        self._endings: list[Ending] = []
        self._dead: list[DeadLetter] = []
        self._tally = OutcomeTally()
        self._uncounted = 0  # outcomes in the tally
        self._stats = SyncStats.zero()
        self.recorded = 0

    @property
    def next_seq(self) -> int:
        """The seq that the stream's next event will have."""
        return self._emitter.next_seq

    @property
    def stats(self) -> SyncStats:
        """What all outcomes that were staged so far come to."""
        if self._uncounted:
            self._count_staged()
        return self._stats

    @property
    def staged(self) -> frozenset[tuple[int, int]]:
        """The attempts, as job and attempt, that may stand in the log, and not acknowledged."""
        return frozenset((ending.job_id, ending.attempt) for ending in self._endings)

    def add(self, ended: Ended) -> None:
        """Stage a finished attempt; `commit` records all that are staged together."""
        job, event = ended
        seq, at_us = self._emitter.outcome(event)
        self._endings.append(ending_of(event, seq))
        if isinstance(event, Failed) and event.to_dlq:
            stream = self._emitter.stream
            self._dead.append(letter_of(job, event, stream=stream, seq=seq, failed_at_us=at_us))
        self.recorded += 1
        self._uncounted += 1
        count(event, self._tally, at_us)

    def emit(self, event: str, **fields: Any) -> None:
        """Stage another event, written with the next outcome or commit."""
        self._emitter.emit(event, **fields)

    def commit(self, *, claim: int = 0) -> list[LeasedJob]:
        """Record what is staged; claim up to ``claim`` more jobs in the same transaction.

        After an error all of it is still staged. Each step changes nothing when it is done again,
        so another commit goes on where the first one failed.

        Raises:
            LogWriteError: The outcomes may not be on the disk: nothing was acknowledged, and
                nothing will be by another commit before the log goes on (`Emitter.renew`).
            QueueError: They are in the log, and another commit or a take-over tells the queue.
        """
        if self._uncounted >= COUNTED_TOGETHER:
            self._count_staged()
        self._emitter.commit()
        if self._dead:
            self._letters.insert(self._dead)
            self._dead = []
        if not self._endings and not claim:
            return []
        claimed = self._queue.apply(
            self._emitter.stream, self._endings, claim=claim, next_seq=self._emitter.next_seq
        )
        self._endings = []
        return claimed

    def _count_staged(self) -> None:
        self._uncounted = 0
        tally, self._tally = self._tally, OutcomeTally()
        self._stats.add(tally)


def count(event: OutcomeEvent, tally: OutcomeTally, at_us: int) -> None:
    """Add an outcome to a tally, as the fold does with its line.

    Args:
        event: The outcome.
        tally: What it is added to.
        at_us: The outcome's time, microseconds since 1970 UTC.
    """
    if tally.earliest_us is None or at_us < tally.earliest_us:
        tally.earliest_us = at_us
    if event.warnings > 0:
        tally.with_warnings += 1
    if isinstance(event, Succeeded):
        tally.succeeded += 1
        if event.attempt > 1:
            tally.recovered += 1
        if event.confidence == HIGH:
            tally.high += 1
        else:
            tally.low += 1
    elif isinstance(event, Failed):
        tally.failed += 1
        tally.to_dlq += event.to_dlq
        tally.retried += not event.to_dlq
        tally.errors[event.error_type] = tally.errors.get(event.error_type, 0) + 1
    else:
        tally.skipped += 1
        return
    tally.time_ns += event.duration_ns
    tally.latency_ns.append(event.duration_ns)
    if event.wait_ns is not None:
        tally.waiting_ns.append(event.wait_ns)
