"""Threads that run a handler; the one thread that records their results owns the pool."""

from __future__ import annotations

import os
import queue
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from events.clock import EPOCH
from sync_queue.errors import InvalidJobError
from worker.errors import HandlerTimeout, PermanentError
from worker.handlers.base import Job, Outcome, as_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.clock import Clock
    from sync_queue.jobs import LeasedJob
    from worker.handlers.base import Handler


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt that has ended.

    Attributes:
        job: The job.
        result: What the handler answered, or what it raised.
        duration_ns: How long it took, by the monotonic clock.
        wait_ns: How long after it was due it began, by the wall clock; 0 if that was set back.
        ticket: What the job was submitted with.
    """

    job: LeasedJob
    result: Outcome | BaseException
    duration_ns: int
    wait_ns: int
    ticket: int


@dataclass(slots=True, eq=False)
class _Task:
    job: LeasedJob
    ticket: int
    started_ns: int = 0
    wait_ns: int = 0
    abandoned: bool = field(default=False)


class HandlerPool:
    """Runs a handler in ``threads`` threads.

    A Python thread cannot be ended from outside. So an attempt that outlives its time is
    abandoned: it is answered with `HandlerTimeout`, another thread takes its thread's place, and
    what it returns later is discarded.

    Args:
        handler: What a job is given to.
        threads: How many jobs run at once.
        clock: Measures them.
        timeout_s: Seconds after which an attempt is abandoned, unless the handler ends it itself.
    """

    def __init__(
        self, handler: Handler, threads: int, *, clock: Clock, timeout_s: float | None = None
    ) -> None:
        self._handler = handler
        self._clock = clock
        own = timeout_s is not None and not handler.enforces_timeout
        self._timeout_ns = round((timeout_s or 0) * 1e9) if own else None
        self._todo: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Finished | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running: set[_Task] = set()
        self._pid = os.getpid()
        self._threads = 0
        self.held = 0
        for _ in range(threads):
            self._spawn()

    def _spawn(self) -> None:
        self._threads += 1
        name = f"handler-{self._threads}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, jobs: Iterable[tuple[LeasedJob, int]]) -> None:
        """Run jobs, each with a ticket that comes back with its result."""
        for job, ticket in jobs:
            self.held += 1
            self._todo.put(_Task(job, ticket))

    def _work(self) -> None:
        while (task := self._todo.get()) is not None:
            now_us = self._clock.now_us()
            task.wait_ns = max(0, now_us - task.job.due_at_us) * 1000
            task.started_ns = self._clock.monotonic_ns()
            with self._lock:
                self._running.add(task)
            result = self._run(task.job)
            took_ns = self._clock.monotonic_ns() - task.started_ns
            if os.getpid() != self._pid:
                os._exit(0)  # a child that the handler forked came back from it: it is not us
            with self._lock:
                if task.abandoned:
                    return
                self._running.discard(task)
            self._done.put(Finished(task.job, result, took_ns, task.wait_ns, task.ticket))

    def _run(self, leased: LeasedJob) -> Outcome | BaseException:
        try:
            return as_outcome(self._handler(job_of(leased)))
        except InvalidJobError as error:
            return PermanentError(str(error))
        except BaseException as error:  # noqa: BLE001  # SystemExit too ends the attempt, not us
            return error

    def collect(self, wait_s: float) -> list[Finished]:
        """What has finished; waits up to ``wait_s`` seconds for the first, or until `wake`."""
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
        if self._timeout_ns is None:
            return []
        now_ns = self._clock.monotonic_ns()
        expired = self._abandon(now_ns - self._timeout_ns)
        for _ in expired:
            self._spawn()
        message = f"the handler took longer than {self._timeout_ns / 1e9:g} s"
        return [
            Finished(t.job, HandlerTimeout(message), now_ns - t.started_ns, t.wait_ns, t.ticket)
            for t in expired
        ]

    def _abandon(self, started_by_ns: int | None = None) -> list[_Task]:
        """Give up the running attempts that began at ``started_by_ns`` or before, or all."""
        with self._lock:
            given_up = [
                task
                for task in self._running
                if started_by_ns is None or task.started_ns <= started_by_ns
            ]
            for task in given_up:
                task.abandoned = True
            self._running.difference_update(given_up)
        return sorted(given_up, key=lambda task: task.started_ns)

    def wake(self) -> None:
        """Let `collect` return at once. May be called from a signal handler."""
        self._done.put(None)

    def take_back(self) -> list[tuple[LeasedJob, int]]:
        """Withdraw the jobs that no thread has begun, with their tickets."""
        back: list[tuple[LeasedJob, int]] = []
        try:
            while True:
                task = self._todo.get_nowait()
                if task is not None:
                    back.append((task.job, task.ticket))
        except queue.Empty:
            pass
        self.held -= len(back)
        return back

    def abandon(self) -> list[LeasedJob]:
        """Give up all attempts that run now; what they return is discarded."""
        given_up = self._abandon()
        self.held -= len(given_up)
        return [task.job for task in given_up]

    def close(self) -> None:
        """Let the threads end when they have nothing more to do."""
        for _ in range(self._threads):
            self._todo.put(None)


def job_of(leased: LeasedJob) -> Job:
    """What a handler is given of a leased job.

    Raises:
        InvalidJobError: Its stored data is damaged.
    """
    return Job(
        id=leased.id,
        kind=leased.kind,
        scene_id=leased.scene_id,
        data=leased.payload(),
        attempt=leased.attempt,
        key=leased.job_key,
        enqueued_at=EPOCH + timedelta(microseconds=leased.enqueued_at_us),
    )
