"""What workers do on data folders, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import event, note

from events.errors import LogWriteError
from events.model import WORKER_STOPPED, Failed, Skipped, Succeeded
from sync_queue.jobs import NewJob
from tests.support.whole.process import Process
from tests.support.whole.records import Outcome
from tests.support.whole.site import Site, Worker, World
from tests.support.workers import Dies, TickingClock
from worker.errors import PermanentError, TransientError
from worker.recorder import Ended
from worker.retry import Backoff, RetryPolicies
from worker.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sync_queue.jobs import LeasedJob

WORKERS = 2
JOBS = 12  # not ended, of a folder: more of them show no more

Batch = tuple[int, list[str], int]
"""Which worker, how the attempts end that it holds, and how many more it claims."""
Crash = tuple[int | str, bool, int | None] | None
"""At which step a process dies (its number from 1, or its name), whether that takes effect, and how
many sevenths are left of what is not on the disk, if the power fails with it."""
Trouble = tuple[str, int, bool] | None
"""What the disk refuses, how many sevenths it writes all the same, and whether the worker goes
on."""


class EndingClock(TickingClock):
    """A clock that stands still, or moves when it is asked, but not for ever."""

    def __init__(self) -> None:
        super().__init__(0)
        self._left = 0

    def let_move(self, step_s: float, times: int = 0) -> None:
        self.step_s = step_s
        self._left = times

    def now_us(self) -> int:
        self._count()
        return super().now_us()

    def monotonic_ns(self) -> int:
        self._count()
        return super().monotonic_ns()

    def _count(self) -> None:
        if self.step_s:
            self._left -= 1
            assert self._left > 0, "it does not come to an end"


class Workers:
    """Data folders, and workers on them.

    Args:
        root: The folder that all of it is in.
        reuses_folders: See `World`.

    Attributes:
        sites: The data folders.
        touched: Those in which something may have changed since it was looked at.
    """

    def __init__(self, root: Path, *, reuses_folders: bool) -> None:
        self.root = root
        self.clock = EndingClock()
        self.world = World(self.clock, reuses_folders=reuses_folders)
        self.sites = [Site(root / "first", self.world)]
        self.touched: set[Site] = set()

    def site(self, number: int) -> Site:
        site = self.sites[number % len(self.sites)]
        self.touched.add(site)
        return site

    def doing(self, site: Site, process: Process, crash: Crash, step: Callable[[], object]) -> bool:
        """Let a process do something, and die on the way if it is to: whether it came through."""
        at, after, left = crash or (0, False, None)
        process.plan(at, after=after)
        try:
            step()
        except Dies as where:
            note(f"died {where}")
            event(f"died {where}")
            if left is not None:
                self.power_cut(site, left)
            return False
        process.plan(0, after=False)
        return True

    def by(self, site: Site, worker: Worker, crash: Crash, step: Callable[[], object]) -> bool:
        """As `doing`, by a worker: it is gone if it dies."""
        came_through = self.doing(site, worker.process, crash, step)
        if not came_through and worker in site.workers:
            site.workers.remove(worker)
        return came_through

    # Jobs

    def enqueue(self, site: Site, keys: Sequence[str | None]) -> None:
        for scene, key in enumerate(keys[: JOBS - len(site.model.jobs)]):
            due = self.clock.us + scene % 2 * 1_000_000
            is_waiting = site.model.key_waits(key)
            job_id = site.place.queue.enqueue(NewJob(scene, job_key=key, due_at_us=due))
            assert (job_id is None) == is_waiting
            if job_id is not None:
                site.model.add(job_id, key, due)

    def pause(self, site: Site, *, on: bool) -> None:
        site.model.paused = on
        (site.place.queue.pause if on else site.place.queue.resume)()

    def provide(self, site: Site, count: int) -> None:
        """See to it that there is something to claim."""
        if site.model.paused:
            assert site.place.queue.claim("nobody", 0, 1) == []
            self.pause(site, on=False)
        due = [job.due for job in site.model.jobs.values() if job.stream is None]
        if len(due) < count:
            self.enqueue(site, [None] * count)
        elif min(due) > self.clock.us:
            self.clock.us = min(due)

    def time_moves(self, seconds: int) -> None:
        """The wall clock may be set back, the other one goes on."""
        self.clock.us += seconds * 1_000_000
        self.clock.ns += abs(seconds) * 1_000_000_000

    # Workers

    def worker(self, site: Site, number: int) -> Worker:
        """A worker that lives, started if there is none."""
        if not site.workers:
            self.start(site, 1 << 20, None)
        return site.workers[number % len(site.workers)]

    def start(self, site: Site, segment_bytes: int, crash: Crash) -> None:
        if len(site.workers) == WORKERS:
            return
        process = Process(site, segment_bytes=segment_bytes)

        def start() -> None:
            site.workers.append(Worker(process, process.start()))

        at_work = list(site.workers)
        if self.doing(site, process, crash, start):
            self._nothing_is_left(site, at_work)

    def _nothing_is_left(self, site: Site, at_work: list[Worker]) -> None:
        alive = {worker.own.name for worker in at_work}
        assert site.model.leased_streams() <= alive, "what a dead worker held was left"

    def work(self, site: Site, batches: list[Batch], trouble: Trouble, crash: Crash) -> None:
        """Workers end attempts and claim more; the last batch may fail, or its worker die."""
        for place, (which, ends, claim) in enumerate(batches, 1):
            worker = self.worker(site, which)
            self.provide(site, len(ends))
            is_last = place == len(batches)
            batch = partial(self._batch, worker, ends, claim, trouble if is_last else None)
            self.by(site, worker, crash if is_last else None, batch)

    def _batch(self, worker: Worker, ends: list[str], claim: int, trouble: Trouble) -> None:
        recorder, process = worker.own.recorder, worker.process
        if not worker.jobs:
            worker.jobs += recorder.commit(claim=len(ends))
        done, worker.jobs = worker.jobs[: len(ends)], worker.jobs[len(ends) :]
        for job, how in zip(done, ends, strict=False):
            self._end(worker, job, how)
        call, share, goes_on = trouble or ("", 0, True)
        process.trouble = (call, share / 7)
        try:
            worker.jobs += recorder.commit(claim=claim)
        except LogWriteError:
            event(f"trouble: {call}")
            if not goes_on:
                process.end()
                raise Dies("in trouble") from None
            worker.own.renew()
            worker.jobs += recorder.commit(claim=claim)
        process.trouble = None
        assert process.staged == []

    def _end(self, worker: Worker, job: LeasedJob, how: str) -> None:
        """Record how an attempt ended, here and in what the process is known to have staged."""
        told: dict[str, Any] = {
            "job_id": job.id,
            "attempt": job.attempt,
            "duration_ns": job.id * 1_000_003 + job.attempt,
            "warnings": job.id % 2,
        }
        common = told | {"kind": job.kind}
        ended: Succeeded | Skipped | Failed
        if how in {"high", "low"}:
            ended = Succeeded(**common, confidence=how)
            outcome = Outcome("job.succeeded", at_us=self.clock.us, **told, confidence=how)
        elif how == "skip":
            ended = Skipped(**common)
            outcome = Outcome("job.skipped", at_us=self.clock.us, **told)
        else:
            is_dead = how == "dead"
            failed: dict[str, Any] = {
                "error_type": how,
                "to_dlq": is_dead,
                "retry_at_us": None if is_dead else self.clock.us + job.id % 3 * 1_000_000,
            }
            policy = "not_found" if how == "not found" else "transient"
            ended = Failed(**common, **failed, policy=policy)
            outcome = Outcome("job.failed", at_us=self.clock.us, **told, **failed)
            outcome = replace(outcome, not_found=how == "not found")
        worker.own.recorder.add(Ended(job, ended))
        assert worker.process.staged is not None
        worker.process.staged.append(outcome)

    def stop(self, site: Site, which: int, crash: Crash) -> None:
        """A graceful stop: what runs is interrupted, what has not begun is given back."""
        worker = self.worker(site, which)
        queue, own = worker.process.queue, worker.own
        leases = [(job.id, job.attempt) for job in worker.jobs]

        def stop() -> None:
            queue.give_back(own.name, leases[1:])
            own.recorder.emit(WORKER_STOPPED, reason="stopped")
            own.recorder.commit()
            queue.interrupt(own.name, leases[:1])
            own.close()
            worker.process.end()
            site.workers.remove(worker)

        if self.by(site, worker, crash, stop):
            assert not site.model.held(own.name)

    def kill(self, site: Site, times: int, claim: int, crash: Crash) -> None:
        """Workers die one after the other while they hold jobs; the last as it takes over."""
        for _ in range(times):
            worker = self.worker(site, 0)
            self.provide(site, 1)
            worker.own.recorder.commit(claim=claim)
            site.end_all()
        self.start(site, 1 << 20, crash)

    def mend(self, site: Site, times: int, crash: Crash) -> None:
        """One of two workers dies, again and again; the other takes over what it held."""
        for left in reversed(range(times)):
            self.start(site, 1 << 20, None)
            self.start(site, 1 << 20, None)
            site.workers.sort(key=lambda worker: worker.own.recorder.next_seq)
            gone = site.workers.pop()  # its numbers are higher than the other's
            self.provide(site, 1)
            gone.own.recorder.commit(claim=1)
            gone.process.end()
            worker = self.worker(site, 0)

            def mend(worker: Worker = worker) -> None:
                worker.process.take_over().mend_dead(worker.own, StopRequest())

            if self.by(site, worker, None if left else crash, mend):
                self._nothing_is_left(site, site.workers)

    def power_cut(self, site: Site, sevenths: int) -> None:
        site.end_all()
        site.keeper = None
        site.cut_unsynced(sevenths / 7)

    def drain(self, site: Site) -> None:
        """Everybody dies, and one whole worker does all that is left."""
        site.end_all()
        if site.model.paused:
            self.pause(site, on=False)
        self.start(site, 1 << 20, None)  # else the next would wait for leases that none gives back
        site.end_all()
        process = Process(site)
        process.staged = None
        self.clock.us = max([self.clock.us, *(job.due for job in site.model.jobs.values())])
        self.clock.let_move(0.1, times=20_000)
        policies = RetryPolicies(Backoff(0, 0, 50))
        process.worker(
            _handle, wait=True, policies=policies, breaker_failures=None, queue=process.queue
        ).run()
        self.clock.let_move(0)
        process.end()

    def close(self) -> None:
        for site in self.sites:
            site.close()


def _handle(job: Any) -> None:
    if job.id % 3 == 0:
        raise PermanentError("x")
    if job.id % 3 == 1 and job.attempt % 2:
        raise TransientError("y")
