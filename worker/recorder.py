"""Steps 3 and 4 of the protocol: log first, then acknowledge. No other order is used anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from events.model import Failed
from worker.letters import ending_of, letter_of

if TYPE_CHECKING:
    from events.emitter import Emitter

    from events.clock import Clock
    from sync_queue.dead_letters import DeadLetter
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import Ending, LeasedJob
    from sync_queue.queue import JobQueue
    from worker.letters import OutcomeEvent


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
        clock: For the time of death.
    """

    def __init__(
        self, emitter: Emitter, queue: JobQueue, letters: DeadLetterQueue, *, clock: Clock
    ) -> None:
        self._emitter = emitter
        self._queue = queue
        self._letters = letters
        self._clock = clock
        self._staged: list[tuple[Ended, int]] = []

    @property
    def stream(self) -> str:
        """The stream that is written to."""
        return self._emitter.stream

    @property
    def next_seq(self) -> int:
        """The seq that the stream's next event will have."""
        return self._emitter.next_seq

    def add(self, ended: Ended) -> None:
        """Stage a finished attempt; `commit` records all that are staged together."""
        self._staged.append((ended, self._emitter.outcome(ended.event)))

    def emit(self, event: str, **fields: Any) -> None:
        """Stage another event, written with the next outcome or commit."""
        self._emitter.emit(event, **fields)

    def commit(self, *, claim: int = 0) -> list[LeasedJob]:
        """Record what is staged; claim up to ``claim`` more jobs in the same transaction.

        Raises:
            LogWriteError: The outcomes may not be on the disk: nothing was acknowledged.
            QueueError: They are in the log; a take-over tells the queue later.
        """
        self._emitter.commit()
        staged, self._staged = self._staged, []
        letters: list[DeadLetter] = []
        endings: list[Ending] = []
        for (job, event), seq in staged:
            endings.append(ending_of(event, seq))
            if isinstance(event, Failed) and event.to_dlq:
                died_us = self._clock.now_us()
                letters.append(
                    letter_of(job, event, stream=self.stream, seq=seq, failed_at_us=died_us)
                )
        if letters:
            self._letters.insert(letters)
        if not endings and not claim:
            return []
        return self._queue.apply(self.stream, endings, claim=claim, next_seq=self.next_seq)
