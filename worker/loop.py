"""What a worker does over and over: claim, run, record and acknowledge; and how it winds up.

One thread owns the queue, the log and the circuit breaker; the pool's threads only run attempts.
All that finished meanwhile is recorded together (group commit), and the next jobs are claimed in
the transaction that acknowledges the last ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from events.errors import SyncStatsError
from events.model import WORKER_STOPPED
from worker.breaker_watch import BreakerWatch
from worker.set_back import SetBack
from worker.staging import stage
from worker.storage import Patience
from worker.summary import Summaries

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.clock import Clock
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import LeasedJob
    from sync_queue.queue import JobQueue
    from worker.handlers.base import Handler
    from worker.listener import WorkerListener
    from worker.options import WorkerOptions
    from worker.own_stream import OwnStream
    from worker.pool import Finished, HandlerPool
    from worker.stopping import StopRequest
    from worker.takeover import TakeOver

T = TypeVar("T")

ENDING_MARGIN_S = 1.0
"""Waited beyond what a handler says that it takes to end what it runs, in seconds."""


class WorkLoop:
    """One run of a worker, from when its stream is open to when its last lease is released.

    Args:
        own: The worker's stream.
        pool: Runs the attempts.
        queue: The jobs.
        letters: The dead letters.
        handler: Told when the time for a graceful stop is over.
        take_over: Mends the streams of workers that died meanwhile.
        options: How to work.
        clock: The monotonic clock paces the work.
        stop: Asked between any two steps.
        listener: Hears what happens.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        own: OwnStream,
        pool: HandlerPool,
        *,
        queue: JobQueue,
        letters: DeadLetterQueue,
        handler: Handler,
        take_over: TakeOver,
        options: WorkerOptions,
        clock: Clock,
        stop: StopRequest,
        listener: WorkerListener,
        sleep: Callable[[float], object],
    ) -> None:
        self._own = own
        self._recorder = own.recorder
        self._pool = pool
        self._queue = queue
        self._handler = handler
        self._take_over = take_over
        self._options = options
        self._clock = clock
        self._stop = stop
        self._listener = listener
        self._breaker = BreakerWatch(options, clock=clock, recorder=own.recorder, listener=listener)
        self._summaries = Summaries(options.summary_every, own.recorder, letters, listener)
        self._patience = Patience(
            options, clock=clock, stop=stop, notice=listener.notice, sleep=sleep
        )
        self._set_back = SetBack(queue, clock, listener.notice)
        self._next_look_ns = clock.monotonic_ns()
        self._winding_up = False
        self._back: list[LeasedJob] = []  # withdrawn, and not yet given back
        self._taken: dict[int, LeasedJob] = {}  # by id: what the pool has, or what is staged

    def work(self) -> None:
        """Work until stopped or drained."""
        while not self._stop.asked:
            looked = self._clock.monotonic_ns() >= self._next_look_ns
            if looked:
                self._claim()
            if not self._pool.held or (looked and self._pool.held < self._options.concurrency):
                if self._persist(lambda: self._take_over.mend_dead(self._own, self._stop)):
                    self._next_look_ns = self._clock.monotonic_ns()
                    continue
                if not self._pool.held and self._persist(self._set_back.look):
                    self._next_look_ns = self._clock.monotonic_ns()
                    continue
                if self._options.drain and not self._pool.held and self._is_drained():
                    return
            self._record(self._pool.collect(self._options.poll_s))

    def _is_drained(self) -> bool:
        counts = self._persist(self._queue.counts)
        if counts.leased:
            return False  # to another worker, and its jobs may come back
        if counts.paused:
            return True  # nobody will take what is left until the queue is resumed
        return not counts.due and not (self._options.wait and counts.scheduled)

    def _room(self) -> int:
        """How many more jobs may be leased now."""
        if self._winding_up or self._stop.asked:
            return 0
        room = self._options.batch - self._pool.held
        allowed = self._breaker.may_begin()
        return room if allowed is None else min(room, allowed)

    def _claim(self) -> None:
        room = self._room()
        # By a commit: a lease shall not name a seq that is numbered and not in the log.
        self._submit(self._commit(room) if room else [], room)

    def _submit(self, claimed: list[LeasedJob], room: int) -> None:
        now_ns = self._clock.monotonic_ns()
        self._next_look_ns = now_ns
        if len(claimed) < room or not room:  # the queue has no more: look again after a while
            self._next_look_ns += round(self._options.poll_s * 1e9)
        self._taken.update({job.id: job for job in claimed})
        self._pool.submit(self._breaker.began(claimed))

    def _commit(self, claim: int = 0) -> list[LeasedJob]:
        """Record and acknowledge what is staged, and claim; waits while that cannot be written."""
        tried = False

        def commit() -> list[LeasedJob]:
            nonlocal tried
            if tried:  # what was staged is written by now, see `_persist`
                self._give_strays_back()
            tried = True
            return self._recorder.commit(claim=0 if self._stop.asked else claim)

        return self._persist(commit)

    def _give_strays_back(self) -> None:
        """Release jobs that a claim has leased which was told to have failed."""
        leases = [(job.id, job.attempt) for job in self._queue.leases(self._own.name)]
        held = {(job.id, job.attempt) for job in (*self._taken.values(), *self._back)}
        if strays := [lease for lease in leases if lease not in held]:
            self._queue.give_back(self._own.name, strays)

    def _persist(self, write: Callable[[], T]) -> T:
        """Do what writes to the data folder, and again until it succeeds or is given up.

        Raises:
            SyncStatsError: It is no trouble of the storage, or has lasted too long.
        """
        again = False
        while True:
            try:
                self._own.renew()
                if again:  # it may have got as far as staging what no later try stages again
                    self._recorder.commit()
                again = True
                done = write()
            except (SyncStatsError, OSError) as error:
                self._pool.hold()  # what has not begun waits for better times
                self._patience.wait(error)
            else:
                if self._patience.mended():
                    self._pool.let_on(self._breaker.failures)
                return done

    def _record(self, finished: list[Finished]) -> None:
        """Steps 3 and 4 for all that has finished, and the next claim."""
        if not finished:
            return
        if stage(finished, self._recorder, self._breaker, winding_up=self._winding_up):
            self._withdraw()
        self._pool.let_on(self._breaker.failures)
        summarised = self._summaries.stage()
        room = self._room()
        claimed = self._commit(room)
        for done in finished:
            self._taken.pop(done.job.id, None)
        self._submit(claimed, room)
        self._give_back()  # after the log: no other order is used anywhere
        if summarised:
            self._summaries.tell()

    def _withdraw(self) -> None:
        """Take back the jobs that no thread has begun; `_give_back` tells the queue."""
        for job, ticket in self._pool.take_back():
            self._breaker.withdrawn(ticket)
            self._taken.pop(job.id, None)
            self._back.append(job)

    def _give_back(self) -> None:
        """Give what was withdrawn back to the queue, each with its attempt unused."""
        if self._back:
            back = [(job.id, job.attempt) for job in self._back]
            self._persist(lambda: self._queue.give_back(self._own.name, back))
            self._back.clear()

    def wind_up(self) -> int:
        """Record what still runs and ends within the grace, release the rest, say how many."""
        self._winding_up = True  # from here on nothing is claimed
        self._withdraw()
        self._give_back()
        self._finish(self._options.grace_s, self._record, hurry=True)
        self._end_what_runs(self._record)
        self._record(self._pool.collect(0))  # what ended in between
        summarised = self._summaries.stage(last=True)
        self._recorder.emit(WORKER_STOPPED, reason="stopped" if self._stop.asked else "drained")
        self._commit()
        if summarised:
            self._summaries.tell()
        if self._recorder.recorded:
            self._persist(self._note_end)
        return self._persist(self._interrupt)

    def _note_end(self) -> None:
        """Let the queue know that the log holds what we told at our end, which is committed."""
        self._queue.companions.note_end(self._own.name, self._recorder.next_seq)

    def _interrupt(self) -> int:
        left = [(job.id, job.attempt) for job in self._queue.leases(self._own.name)]
        return self._queue.interrupt(self._own.name, left)

    def let_go(self) -> None:
        """After an error: release what is leased. No job is charged with a loss: none killed us.

        Another error on this way is told, not raised, since the first one says more; what is
        still leased then is left to the next start.
        """
        self.end()
        try:
            back = [(job.id, job.attempt) for job in self._back]
            self._queue.give_back(self._own.name, back)
            self._take_over.let_go(self._own)
        except (SyncStatsError, OSError) as error:
            self._listener.notice(f"not all jobs were released, the next start does it: {error}")

    def end(self) -> None:
        """End what runs, and record nothing more; for the next worker to run no job beside it."""
        self._winding_up = True
        self._withdraw()
        self._end_what_runs(_discard)

    def _end_what_runs(self, take: Callable[[list[Finished]], None]) -> None:
        self._handler.stop()
        if self._handler.ending_s is not None:
            # The next worker shall not run a job beside the leftovers of this one.
            self._finish(self._handler.ending_s + ENDING_MARGIN_S, take, hurry=False)
        self._pool.abandon()

    def _finish(
        self, within_s: float, take: Callable[[list[Finished]], None], *, hurry: bool
    ) -> None:
        """Take what ends within so many seconds; ``hurry``: not if a stop at once is asked."""
        deadline_ns = self._clock.monotonic_ns() + round(within_s * 1e9)
        while self._pool.held and not (hurry and self._stop.at_once):
            left_ns = deadline_ns - self._clock.monotonic_ns()
            if left_ns <= 0:
                break
            take(self._pool.collect(left_ns / 1e9))


def _discard(_finished: list[Finished]) -> None:
    """Nothing is recorded any more."""
