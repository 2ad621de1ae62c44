"""The worker: opens its stream, works, and leaves everything in order."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.errors import SyncStatsError
from events.model import WORKER_STARTED
from worker.attempt import Attempts
from worker.listener import WorkerListener
from worker.loop import WorkLoop
from worker.options import WorkerOptions
from worker.pool import HandlerPool
from worker.stats import SyncStats
from worker.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from events.clock import Clock
    from events.redaction import Redactor
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import QueueCounts
    from sync_queue.queue import JobQueue
    from worker.handlers.base import Handler
    from worker.own_stream import OwnStream
    from worker.takeover import TakeOver

__all__ = ["SyncWorker", "WorkerListener", "WorkerOptions", "WorkerReport"]


@dataclass(frozen=True)
class WorkerReport:
    """What a run of a worker came to.

    Attributes:
        stream: The stream that was written to; None if it was stopped before it had one.
        stats: What this run recorded, and nothing else.
        left: The queue as the run left it.
        stopped: It was asked to stop, rather than having drained the queue.
        interrupted: Attempts that did not end within the grace, and were released.
    """

    stream: str | None
    stats: SyncStats
    left: QueueCounts
    stopped: bool
    interrupted: int


class SyncWorker:
    """Works a data folder's queue with a handler until it is stopped or drained.

    Args:
        queue: The jobs.
        letters: The dead letters.
        handler: What a job is given to.
        take_over: Opens this worker's stream and mends those of dead workers.
        options: How to work.
        clock: Wall clock and monotonic clock.
        rng: Jitter of the retries.
        redactor: Masks secrets in errors.
        listener: Hears what happens.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        queue: JobQueue,
        letters: DeadLetterQueue,
        handler: Handler,
        take_over: TakeOver,
        *,
        options: WorkerOptions,
        clock: Clock,
        rng: Random,
        redactor: Redactor,
        listener: WorkerListener | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._queue = queue
        self._letters = letters
        self._handler = handler
        self._take_over = take_over
        self._options = options
        self._clock = clock
        self._listener = listener or WorkerListener()
        self._attempts = Attempts(
            handler, policies=options.policies, rng=rng, redactor=redactor, clock=clock
        )
        self._stop = StopRequest()
        self._sleep = sleep

    def stop(self, *, at_once: bool = False) -> None:
        """Ask for a graceful stop, also before `run`. Any thread may, and a signal handler.

        Args:
            at_once: Do not wait for what runs: release it.
        """
        self._stop.ask(at_once=at_once)

    def run(self) -> WorkerReport:
        """Work until stopped or drained. Once only.

        Raises:
            SyncStatsError: The log, the queue or the dead letters cannot be written. Nothing is
                lost: whoever takes over goes on from what the log holds.
        """
        own = self._take_over.start(self._stop)
        if own is None:
            return WorkerReport(
                stream=None,
                stats=SyncStats.zero(),
                left=self._queue.counts(),
                stopped=True,
                interrupted=0,
            )
        try:
            interrupted = self._run(own)
            return WorkerReport(
                stream=own.name,
                stats=own.recorder.stats,
                left=self._queue.counts(),
                stopped=self._stop.asked,
                interrupted=interrupted,
            )
        finally:
            own.close()

    def _run(self, own: OwnStream) -> int:
        options = self._options
        pool = HandlerPool(
            self._attempts,
            options.concurrency,
            clock=self._clock,
            timeout_s=None if self._handler.enforces_timeout else options.timeout_s,
            hold_after=options.breaker_failures,
        )
        loop = WorkLoop(
            own,
            pool,
            queue=self._queue,
            letters=self._letters,
            handler=self._handler,
            take_over=self._take_over,
            options=options,
            clock=self._clock,
            stop=self._stop,
            listener=self._listener,
            sleep=self._sleep,
        )
        self._stop.wake = pool.stop
        try:
            own.recorder.emit(WORKER_STARTED, concurrency=options.concurrency, batch=options.batch)
            loop.work()
            return loop.wind_up()
        except SyncStatsError:
            # The log or a database, and no fault of the jobs. Any other error is a defect, which
            # a job may have brought about: it counts as the worker's death, so that such a job
            # cannot end one worker after the other for ever.
            loop.let_go()
            raise
        finally:
            loop.end()
            pool.close()
