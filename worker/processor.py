"""The worker: claims jobs, runs them in threads, records how they ended, acknowledges.

One thread, the caller's, owns the queue, the log and the circuit breaker; the pool's threads only
run the handler. All that finished meanwhile is recorded together (group commit), and the next jobs
are claimed in the transaction that acknowledges the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from events.exceptions import describe
from events.model import (
    BATCH_SUMMARY,
    WORKER_STARTED,
    WORKER_STOPPED,
    Failed,
    Skipped,
    Succeeded,
)
from worker.breaker import BreakerOpened, CircuitBreaker
from worker.errors import HandlerStopped, recorded_type
from worker.handlers.base import Outcome
from worker.pool import HandlerPool
from worker.recorder import Ended
from worker.retry import RetryPolicies, classify, decide
from worker.stats import SyncStats
from worker.summary import dead_letter_line, summary_fields, summary_line

if TYPE_CHECKING:
    from random import Random

    from events.clock import Clock
    from events.redaction import Redactor
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import LeasedJob, QueueCounts
    from sync_queue.queue import JobQueue
    from worker.breaker import Result
    from worker.handlers.base import Handler
    from worker.letters import OutcomeEvent
    from worker.pool import Finished
    from worker.takeover import OwnStream, TakeOver

DEFAULT_GRACE_S = 8.0


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        concurrency: Jobs that run at once.
        batch: Jobs that are leased to this worker at once, running or waiting for a thread.
        timeout_s: Seconds after which an attempt fails with ``HandlerTimeout``; None for never.
        grace_s: Seconds that a graceful stop waits for what is running.
        drain: End when no job is due and none is leased to any worker.
        wait: With ``drain``: wait for the jobs that are scheduled for later, too.
        summary_every: Outcomes after which a summary is given; 0 for at the end only.
        poll_s: Seconds after which an idle worker looks for new jobs.
        policies: When failed jobs are tried again.
        breaker_failures: Transient failures in a row that open the circuit breaker.
        breaker_cooldown_s: Seconds until it lets one trial through.
    """

    concurrency: int = 1
    batch: int = 10
    timeout_s: float | None = None
    grace_s: float = DEFAULT_GRACE_S
    drain: bool = False
    wait: bool = False
    summary_every: int = 100
    poll_s: float = 0.25
    policies: RetryPolicies = field(default_factory=RetryPolicies)
    breaker_failures: int = 5
    breaker_cooldown_s: float = 60.0


class WorkerListener:
    """Hears what a worker does; the methods do nothing, override what is wanted.

    They are called on the worker's own thread, so they hold it up while they run.
    """

    def notice(self, text: str) -> None:
        """Something worth a line to whoever watches."""

    def summary(self, lines: list[str]) -> None:
        """The readable summary, every so many outcomes and at the end."""


@dataclass(frozen=True)
class WorkerReport:
    """What a run of a worker came to.

    Attributes:
        stream: The stream that was written to.
        stats: What this run recorded, and nothing else.
        left: The queue as the run left it.
        stopped: It was asked to stop, rather than having drained the queue.
        interrupted: Attempts that did not end within the grace, and were released.
    """

    stream: str
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
    ) -> None:
        self._queue = queue
        self._letters = letters
        self._handler = handler
        self._take_over = take_over
        self._options = options
        self._clock = clock
        self._rng = rng
        self._redactor = redactor
        self._listener = listener or WorkerListener()
        self._breaker = CircuitBreaker(options.breaker_failures, options.breaker_cooldown_s)
        self._stats = SyncStats.zero()
        self._since_summary = 0
        self._next_claim_ns = 0
        self._stop_asked = False
        self._hurry = False
        self._pool: HandlerPool | None = None

    def stop(self, *, at_once: bool = False) -> None:
        """Ask for a graceful stop. May be called from a signal handler or any thread.

        Args:
            at_once: Do not wait for what runs: release it.
        """
        self._stop_asked = True
        self._hurry = self._hurry or at_once
        if self._pool is not None:
            self._pool.wake()

    def run(self) -> WorkerReport:
        """Work until stopped or drained.

        Raises:
            SyncStatsError: The log, the queue or the dead letters cannot be written. Nothing is
                lost: whoever takes over goes on from what the log holds.
        """
        own = self._take_over.start()
        try:
            pool = self._pool = HandlerPool(
                self._handler,
                self._options.concurrency,
                clock=self._clock,
                timeout_s=self._options.timeout_s,
            )
            try:
                own.recorder.emit(
                    WORKER_STARTED,
                    concurrency=self._options.concurrency,
                    batch=self._options.batch,
                )
                self._work(own, pool)
                interrupted = self._wind_up(own, pool)
            finally:
                self._pool = None
                pool.abandon()
                pool.close()
                self._handler.stop()
            return WorkerReport(
                own.name, self._stats, self._queue.counts(), self._stop_asked, interrupted
            )
        finally:
            own.close()

    def _work(self, own: OwnStream, pool: HandlerPool) -> None:
        while not self._stop_asked:
            if self._clock.monotonic_ns() >= self._next_claim_ns:
                self._claim(own, pool)
            if not pool.held:
                if self._take_over.mend_dead(own):
                    self._next_claim_ns = 0
                    continue
                if self._options.drain and self._is_drained():
                    return
            finished = pool.collect(self._options.poll_s)
            if finished:
                self._record(own, pool, finished)

    def _is_drained(self) -> bool:
        counts = self._queue.counts()
        if counts.paused and not counts.leased:
            return True  # nobody will take what is left until the queue is resumed
        waiting = counts.due + (counts.scheduled if self._options.wait else 0)
        return not waiting and not counts.leased

    def _room(self, pool: HandlerPool) -> int:
        """How many more jobs may be leased now."""
        if self._stop_asked:
            return 0
        room = self._options.batch - pool.held
        allowed = self._breaker.may_begin(self._clock.monotonic_ns())
        return room if allowed is None else min(room, allowed)

    def _claim(self, own: OwnStream, pool: HandlerPool) -> None:
        room = self._room(pool)
        claimed = self._queue.claim(own.name, own.recorder.next_seq, room) if room > 0 else []
        self._submit(pool, claimed, room)

    def _submit(self, pool: HandlerPool, claimed: list[LeasedJob], room: int) -> None:
        now_ns = self._clock.monotonic_ns()
        if len(claimed) < room or not room:  # the queue has no more: look again after a while
            self._next_claim_ns = now_ns + round(self._options.poll_s * 1e9)
        else:
            self._next_claim_ns = now_ns
        pool.submit([(job, self._breaker.began(now_ns)) for job in claimed])

    def _record(self, own: OwnStream, pool: HandlerPool, finished: list[Finished]) -> None:
        """Steps 3 and 4 for all that has finished, and the next claim."""
        stopped = [done.job for done in finished if isinstance(done.result, HandlerStopped)]
        if stopped:
            self._queue.interrupt(own.name, [(job.id, job.attempt) for job in stopped])
        opened = False
        for done in finished:
            if isinstance(done.result, HandlerStopped):
                self._breaker.record("neutral", done.ticket, self._clock.monotonic_ns())
                continue
            event = self._outcome(done)
            own.recorder.add(Ended(done.job, event))
            opened |= self._note(own, done, event)
        if opened:
            self._withdraw(own, pool)
        self._summarise(own, last=False)
        room = self._room(pool)
        claimed = own.recorder.commit(claim=max(room, 0))
        self._submit(pool, claimed, room)

    def _outcome(self, done: Finished) -> OutcomeEvent:
        job, result = done.job, done.result
        common: dict[str, Any] = {
            "job_id": job.id,
            "kind": job.kind,
            "attempt": job.attempt,
            "scene_id": job.scene_id,
            "duration_ns": done.duration_ns,
            "wait_ns": done.wait_ns,
        }
        if isinstance(result, Outcome):
            if result.skipped:
                return Skipped(**common, warnings=result.warnings)
            return Succeeded(**common, confidence=result.confidence, warnings=result.warnings)
        _, message, trace = describe(result, self._redactor)
        decision = decide(
            result,
            failures=job.failures,
            not_found=job.not_found,
            policies=self._options.policies,
            rng=self._rng,
            now_us=self._clock.now_us(),
        )
        return Failed(
            **common,
            error_type=recorded_type(result),
            error=message,
            to_dlq=decision.is_dead,
            retry_at_us=decision.retry_at_us,
            policy=decision.policy,
            exception=trace,
        )

    def _note(self, own: OwnStream, done: Finished, event: OutcomeEvent) -> bool:
        """Count an outcome for the summaries, and tell the breaker; say whether that opened it."""
        self._since_summary += 1
        seconds = done.duration_ns / 1e9
        verdict: Result = "neutral"
        cause = ""
        if isinstance(event, Succeeded):
            self._stats.record_success(seconds, event.confidence)
            verdict = "success"
        elif isinstance(event, Failed):
            self._stats.record_failure(event.error_type, seconds, event.to_dlq)
            if isinstance(done.result, BaseException) and classify(done.result) == "transient":
                verdict, cause = "transient", f"{event.error_type}: {event.error}"
        else:
            self._stats.record_skip()
        change = self._breaker.record(verdict, done.ticket, self._clock.monotonic_ns(), cause)
        if change is None:
            return False
        if isinstance(change, BreakerOpened):
            own.recorder.emit(
                change.event,
                level="warning",
                cause=change.cause,
                failures=change.failures,
                cooldown_s=change.cooldown_s,
            )
            self._listener.notice(
                f"circuit breaker opened after {change.failures} failures in a row "
                f"({change.cause}); the next trial is in {change.cooldown_s:g} s"
            )
            return True
        own.recorder.emit(
            change.event, cause=change.cause, failures=change.failures, open_s=change.open_s
        )
        self._listener.notice(f"circuit breaker closed ({change.cause})")
        return False

    def _withdraw(self, own: OwnStream, pool: HandlerPool) -> None:
        """Give jobs that no thread has begun back to the queue, with their attempts."""
        back = pool.take_back()
        if not back:
            return
        now_ns = self._clock.monotonic_ns()
        for _, ticket in back:
            self._breaker.record("neutral", ticket, now_ns)
        self._queue.give_back(own.name, [(job.id, job.attempt) for job, _ in back])

    def _wind_up(self, own: OwnStream, pool: HandlerPool) -> int:
        """Record what still runs and ends within the grace; release the rest; say how many."""
        self._stop_asked, asked = True, self._stop_asked  # from here on nothing is claimed
        self._withdraw(own, pool)
        deadline_ns = self._clock.monotonic_ns() + round(self._options.grace_s * 1e9)
        while pool.held and not self._hurry:
            left_ns = deadline_ns - self._clock.monotonic_ns()
            if left_ns <= 0:
                break
            finished = pool.collect(left_ns / 1e9)
            if finished:
                self._record(own, pool, finished)
        pool.abandon()
        self._handler.stop()
        self._summarise(own, last=True)
        own.recorder.emit(WORKER_STOPPED, reason="stopped" if asked else "drained")
        own.recorder.commit()
        left = [(job.id, job.attempt) for job in self._queue.leases(own.name)]
        self._queue.interrupt(own.name, left)
        self._stop_asked = asked
        return len(left)

    def _summarise(self, own: OwnStream, *, last: bool) -> None:
        every = self._options.summary_every
        if not self._since_summary or not (last or (every and self._since_summary >= every)):
            return
        self._since_summary = 0
        own.recorder.emit(BATCH_SUMMARY, **summary_fields(self._stats))
        lines = [summary_line(self._stats)]
        dead = dead_letter_line(self._letters.get_error_summary())
        self._listener.summary([*lines, dead] if dead else lines)
