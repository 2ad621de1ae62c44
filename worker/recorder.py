"""Steps 3 and 4 of the protocol: log first, then acknowledge. No other order is used anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from events.model import HIGH, Failed, Succeeded
from worker.letters import ending_of, letter_of
from worker.stats import SyncStats
from worker.tally import OutcomeTally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.emitter import Emitter
    from sync_queue.dead_letters import DeadLetter
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import Ending, LeasedJob
    from sync_queue.queue import JobQueue
    from worker.letters import OutcomeEvent

COUNTED_TOGETHER = 10_000
"""So many times are added to the stats' distributions at once, if nobody asks for them before."""


class Ended(msgspec.Struct, frozen=True, gc=False):
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
        self._times = OutcomeTally()  # times of outcomes that are in the stats but for them
        self._uncounted = 0  # outcomes whose times are not in the stats
        self._stats = SyncStats.zero()
        self.recorded = 0

    @property
    def next_seq(self) -> int:
        """The seq that the stream's next event will have."""
        return self._emitter.next_seq

    @property
    def stats(self) -> SyncStats:
        """What all outcomes that were staged so far come to."""
        self._count_times()
        return self._stats

    @property
    def counts(self) -> SyncStats:
        """The same, but for the distributions of times: those take longer, and may lag behind."""
        self._count()
        return self._stats

    def _count_times(self) -> None:
        self._count()
        times, self._times = self._times, OutcomeTally()
        self._stats.add(times)
        self._uncounted = 0

    def _count(self) -> None:
        tally, self._tally = self._tally, OutcomeTally()
        self._times.latency_ns += tally.latency_ns
        self._times.waiting_ns += tally.waiting_ns
        tally.latency_ns, tally.waiting_ns = [], []
        self._stats.add(tally)

    @property
    def staged(self) -> frozenset[tuple[int, int]]:
        """The attempts, as job and attempt, that may stand in the log, and not acknowledged."""
        return frozenset((ending.job_id, ending.attempt) for ending in self._endings)

    def add(self, ended: Ended) -> None:
        """Stage a finished attempt; `commit` records all that are staged together."""
        self.add_all((ended,))

    def add_all(self, ended: Sequence[Ended]) -> None:
        """Stage finished attempts, in this order, as ended now."""
        if not ended:
            return
        events = [each.event for each in ended]
        first, at_us = self._emitter.outcomes(events)
        for seq, event in enumerate(events, first):
            self._endings.append(ending_of(event, seq))
            if isinstance(event, Failed) and event.to_dlq:
                job, stream = ended[seq - first].job, self._emitter.stream
                self._dead.append(letter_of(job, event, stream=stream, seq=seq, failed_at_us=at_us))
        count(events, self._tally, at_us)
        self.recorded += len(ended)
        self._uncounted += len(ended)
        if self._uncounted >= COUNTED_TOGETHER:
            self._count_times()

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


def count(events: Sequence[OutcomeEvent], tally: OutcomeTally, at_us: int) -> None:
    """Add outcomes of one time to a tally, as the fold does with their lines.

    Args:
        events: The outcomes.
        tally: What they are added to.
        at_us: Their time, microseconds since 1970 UTC.
    """
    if tally.earliest_us is None or at_us < tally.earliest_us:
        tally.earliest_us = at_us
    # By passes over lists: a batch is mostly successes, of which few lines here are run for each.
    succeeded = [event for event in events if isinstance(event, Succeeded)]
    failed = [event for event in events if isinstance(event, Failed)]
    sure = sum([event.confidence == HIGH for event in succeeded])
    tally.succeeded += len(succeeded)
    tally.recovered += sum([event.attempt > 1 for event in succeeded])
    tally.high += sure
    tally.low += len(succeeded) - sure
    for event in failed:
        tally.failed += 1
        tally.to_dlq += event.to_dlq
        tally.retried += not event.to_dlq
        tally.errors[event.error_type] = tally.errors.get(event.error_type, 0) + 1
    tally.skipped += len(events) - len(succeeded) - len(failed)
    tally.with_warnings += sum([event.warnings > 0 for event in events])
    processed = [*succeeded, *failed]
    took_ns = [event.duration_ns for event in processed]
    tally.time_ns += sum(took_ns)
    tally.latency_ns += took_ns
    tally.waiting_ns += [event.wait_ns for event in processed if event.wait_ns is not None]
