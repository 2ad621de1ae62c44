"""Threads that run attempts; the one thread that records their results owns the pool."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Protocol

import msgspec

from events.model import MAX_COUNT
from worker.attempt import Failure
from worker.errors import WorkerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.clock import Clock
    from sync_queue.jobs import LeasedJob
    from worker.attempt import Result


_MOST_LATE_US = MAX_COUNT // 1000


class Runs(Protocol):
    """What a pool asks of `worker.attempt.Attempts`; neither call raises."""

    def run(self, leased: LeasedJob, /) -> Result:
        """Run one attempt; called in the pool's threads."""
        ...

    def timed_out(self, leased: LeasedJob, timeout_s: float, /) -> Result:
        """What an attempt comes to that outlived its time."""
        ...


class Finished(msgspec.Struct, frozen=True, gc=False):
    """An attempt that has ended.

    Attributes:
        job: The job.
        result: What it came to.
        duration_ns: How long it took, by the monotonic clock.
        wait_ns: How long after it was due it began, by the wall clock; 0 if that was set back.
        ticket: What the job was submitted with.
    """

    job: LeasedJob
    result: Result
    duration_ns: int
    wait_ns: int
    ticket: int


class _Task(msgspec.Struct, eq=False, gc=False):
    job: LeasedJob
    ticket: int
    started_ns: int = 0
    wait_ns: int = 0


class HandlerPool:
    """Runs attempts in ``threads`` threads.

    A job that was submitted is in exactly one of three places, and changes it under one lock:
    waiting, running, done. So it is either given back or begun, and either recorded or abandoned.

    A Python thread cannot be ended from outside. An attempt that outlives its time is abandoned:
    another thread takes its thread's place, and what it comes to later is discarded.

    After ``hold_after`` transient failures in a row it begins nothing more until `let_on`: its
    threads are faster than the one that records, and would burn a try of each waiting job before
    the circuit breaker hears of the first failure.

    Args:
        attempts: What runs.
        threads: How many run at once.
        clock: Measures them.
        timeout_s: Seconds after which an attempt is abandoned; None: never.
        hold_after: Transient failures in a row after which nothing begins; None: never mind.

    Attributes:
        held: How many jobs were submitted and not yet collected, taken back or abandoned.

    Raises:
        WorkerError: The system gives no more threads.
    """

    def __init__(
        self,
        attempts: Runs,
        threads: int,
        *,
        clock: Clock,
        timeout_s: float | None = None,
        hold_after: int | None = None,
    ) -> None:
        self._attempts = attempts
        self._clock = clock
        self._timeout_s = timeout_s
        self._timeout_ns = None if timeout_s is None else round(timeout_s * 1e9)
        self._hold_after = hold_after
        self._row = 0
        self._holding = False
        self._stopping = False
        self._lock = threading.Lock()
        self._waiting: deque[_Task] = deque()
        self._running: set[_Task] = set()
        # SimpleQueue, because putting into it is safe in a signal handler.
        self._done: queue.SimpleQueue[Finished | None] = queue.SimpleQueue()
        # True lets an idle thread look for tasks, of which it takes one after the other until none
        # may begin; False ends one.
        self._wakes: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._pid = os.getpid()
        self._threads = 0
        self._idle = 0  # threads that wait for a wake which has not been given yet
        self._no_thread: WorkerError | None = None
        self.held = 0
        try:
            for _ in range(threads):
                self._spawn()
        except WorkerError:
            self.close()
            raise

    def _spawn(self) -> None:
        name = f"handler-{self._threads + 1}"
        try:
            # A daemon: an attempt that hangs shall not keep the process from ending.
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:
            raise WorkerError(
                f"the system gives no thread number {self._threads + 1} ({error}): lower "
                "--concurrency, or mend what makes the handler hang beyond --timeout"
            ) from error
        self._threads += 1

    def submit(self, jobs: Iterable[tuple[LeasedJob, int]]) -> None:
        """Run jobs, each with a ticket that comes back with its result."""
        tasks = [_Task(job, ticket) for job, ticket in jobs]
        with self._lock:
            self._waiting.extend(tasks)
            self._wake()
        self.held += len(tasks)

    def _wake(self) -> None:
        """Let idle threads look, each once: a busy one looks by itself; with the lock held."""
        count = min(len(self._waiting), self._idle)
        self._idle -= count
        for _ in range(count):
            self._wakes.put(True)

    def _work(self) -> None:
        run, clock, lock, running = self._attempts.run, self._clock, self._lock, self._running
        looking = True  # at once: the thread whose place it takes may have used up the wake
        while looking:
            with lock:
                task = self._begin()
            while task is not None:
                result = run(task.job)
                if os.getpid() != self._pid:
                    # A child that the handler forked came back from it. It is not us, and nobody
                    # holds or lets go this process's locks: it may touch nothing.
                    os._exit(
                        isinstance(result, Failure)
                    )  # pragma: no cover -- ends before it counts
                took_ns = clock.monotonic_ns() - task.started_ns
                with lock:
                    if task not in running:
                        return  # it was abandoned, and another thread has taken this one's place
                    running.remove(task)
                    self._watch(result)
                    self._done.put(Finished(task.job, result, took_ns, task.wait_ns, task.ticket))
                    task = self._begin()
            looking = self._wakes.get()

    def _begin(self) -> _Task | None:
        """Take the next task, or become idle if none may begin; with the lock held."""
        if self._holding or self._stopping or not self._waiting:
            self._idle += 1
            return None
        task = self._waiting.popleft()
        self._running.add(task)
        late_us = self._clock.now_us() - task.job.due_at_us
        if late_us > 0:
            task.wait_ns = late_us * 1000 if late_us <= _MOST_LATE_US else MAX_COUNT
        task.started_ns = self._clock.monotonic_ns()
        return task

    def _watch(self, result: Result) -> None:
        if isinstance(result, Failure):
            self._row += result.cause == "transient" and not result.stopped
            self._holding |= self._hold_after is not None and self._row >= self._hold_after
        elif not result.skipped:
            self._row = 0

    def hold(self) -> None:
        """Begin nothing more, until `let_on`."""
        with self._lock:
            self._holding = True

    def let_on(self, row: int) -> None:
        """Go on, if waiting jobs were held back.

        Args:
            row: Transient failures in a row, as far as they were recorded.
        """
        with self._lock:
            if not self._holding:
                return
            self._holding = False
            self._row = row
            self._wake()

    def collect(self, wait_s: float) -> list[Finished]:
        """What has finished; waits up to ``wait_s`` seconds for the first, or until `stop`.

        Raises:
            WorkerError: An attempt had outlived its time at the call before this one, and the
                system gave no thread to take the place of its own.
        """
        if self._no_thread is not None:
            raise self._no_thread
        finished: list[Finished] = []
        try:
            first = self._done.get(timeout=self._until_deadline(wait_s))
            if first is not None:
                finished.append(first)
            while True:
                more = self._done.get_nowait()
                if more is not None:
                    finished.append(more)
        except queue.Empty:
            pass
        finished += self._expired()
        self.held -= len(finished)
        return finished

    def _until_deadline(self, wait_s: float) -> float:
        if self._timeout_ns is None:
            return wait_s
        with self._lock:
            first_ns = min((task.started_ns for task in self._running), default=None)
        if first_ns is None:
            return wait_s
        left_ns = first_ns + self._timeout_ns - self._clock.monotonic_ns()
        return max(0.0, min(wait_s, left_ns / 1e9))

    def _expired(self) -> list[Finished]:
        if self._timeout_s is None or self._timeout_ns is None:
            return []
        now_ns = self._clock.monotonic_ns()
        expired = self._give_up(now_ns - self._timeout_ns)
        finished = [
            Finished(
                task.job,
                self._attempts.timed_out(task.job, self._timeout_s),
                now_ns - task.started_ns,
                task.wait_ns,
                task.ticket,
            )
            for task in expired
        ]
        try:
            for _ in expired:
                self._spawn()
        except WorkerError as error:  # what has finished is to be recorded first
            self._no_thread = error
        return finished

    def _give_up(self, started_by_ns: int | None = None) -> list[_Task]:
        """Forget the running attempts that began at ``started_by_ns`` or before, or all."""
        with self._lock:
            given_up = [
                task
                for task in self._running
                if started_by_ns is None or task.started_ns <= started_by_ns
            ]
            self._running.difference_update(given_up)
        return sorted(given_up, key=lambda task: task.started_ns)

    def stop(self) -> None:
        """Begin nothing more, from this moment on, and let `collect` return at once.

        May be called from a signal handler: nothing locks.
        """
        self._stopping = True
        self._done.put(None)

    def take_back(self) -> list[tuple[LeasedJob, int]]:
        """Withdraw the jobs that no thread has begun, with their tickets."""
        with self._lock:
            back = [(task.job, task.ticket) for task in self._waiting]
            self._waiting.clear()
        self.held -= len(back)
        return back

    def abandon(self) -> list[LeasedJob]:
        """Give up all attempts that run now; what they come to is discarded.

        What ended before is there to be collected.
        """
        given_up = self._give_up()
        self.held -= len(given_up)
        return [task.job for task in given_up]

    def close(self) -> None:
        """Let the threads end when they have nothing more to do; does not wait for them."""
        for _ in range(self._threads):
            self._wakes.put(False)
