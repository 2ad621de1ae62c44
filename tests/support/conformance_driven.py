"""Workers and keepers of the stats, in threads that halt before every change that they make."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from events.errors import LogWriteError
from events.model import Failed, Succeeded
from projections.runner import Runner
from tests.model.protocol import HOWS, RUNNER
from tests.support.halting import Halting, HaltingThread
from tests.support.halting_filesystem import HaltingFileSystem, Holders, Power
from tests.support.workers import Place
from worker.recorder import Ended
from worker.stopping import StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sync_queue.jobs import LeasedJob
    from tests.model.world import Worker
    from tests.support.held_clock import HeldClock
    from worker.own_stream import OwnStream

IDLE = "idle"
QUEUE_CALLS = ("apply", "take_over", "release_lost", "give_back", "interrupt")


class Scene(NamedTuple):
    """Where they work.

    Attributes:
        data: The data folder.
        clock: Its time.
        segment_bytes: Size at which a segment is followed by the next.
        power: What is on the disk.
        holders: Who holds the streams' locks.
    """

    data: Path
    clock: HeldClock
    segment_bytes: int
    power: Power
    holders: Holders


class DrivenWorker:
    """A worker of a data folder, in a thread that halts.

    Attributes:
        thread: Its thread.
        fs: Its view of the files.
        jobs: What it has claimed, and not recorded: one job, or none.
    """

    def __init__(self, scene: Scene, number: int) -> None:
        self.number = number
        self.jobs: list[LeasedJob] = []
        self._how = ""
        self._takes_over = True
        self._scene = scene
        self._command: Callable[[OwnStream], bool] | None = None
        self.thread = HaltingThread(self._live)
        self.fs = HaltingFileSystem(self.thread, number, scene.power, scene.holders)

    @property
    def is_syncing(self) -> bool:
        """Whether it is about to sync an outcome of its own."""
        return bool(self._how) and self.thread.where.startswith("sync ")

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a command."""
        return self.thread.where == IDLE

    def may_be(self, worker: Worker) -> bool:
        """Whether a worker of the model can be where this one is, as far as that is known."""
        if self.is_idle:
            return worker.pc in {"idle", "claimed"}
        told = worker.outcome
        if self._how and told is not None and (told.terminal, told.ok) != HOWS[self._how]:
            return False
        takes_over = worker.pc.startswith("recover") or worker.target >= 0
        return takes_over is self._takes_over or worker.pc in {"down", "idle"}

    def _live(self, thread: HaltingThread) -> None:
        with closing(Place(self._scene.data, self._scene.clock)) as place:
            place.fs = self.fs
            place.segment_bytes = self._scene.segment_bytes
            self._queue = Halting(place.queue, thread, QUEUE_CALLS)
            letters = Halting(place.letters, thread, ("insert",))
            self._take_over = place.take_over(self._queue, letters, sleep=lambda _: None)
            own = self._take_over.start(StopRequest())
            assert own is not None
            with closing(own):
                goes_on = True
                while goes_on:
                    self._takes_over = False
                    thread.halt(IDLE)
                    command, self._command = self._command, None
                    goes_on = command is None or command(own)

    def claim(self) -> None:
        """Lease a job."""
        self._tell(lambda own: self._commit(own, claim=1))

    def record(self, how: str, *, claim: int) -> None:
        """Record how the claimed job ended, and lease so many others."""
        (job,) = self.jobs
        event = _ended(job, how, self._scene.clock.us)

        def record(own: OwnStream) -> bool:
            own.recorder.add(event)
            self._commit(own, claim)
            self._how = ""
            return True

        self._tell(record)
        self._how = how

    def mend(self) -> None:
        """See to the streams of the dead."""
        self._tell(self._mend)

    def _mend(self, own: OwnStream) -> bool:
        self._takes_over = True
        self._take_over.mend_dead(own, StopRequest())
        return True

    def stop(self, *, begun: bool) -> None:
        """Give the claimed job back, and end; ``begun``: its attempt is used up."""
        (job,) = self.jobs

        def stop(own: OwnStream) -> bool:
            end = self._queue.interrupt if begun else self._queue.give_back
            end(own.name, [(job.id, job.attempt)])
            return False

        self._tell(stop)

    def _tell(self, command: Callable[[OwnStream], bool]) -> None:
        assert self.is_idle
        self._command = command

    def _commit(self, own: OwnStream, claim: int) -> bool:
        while True:
            try:
                own.renew()
                self.jobs = own.recorder.commit(claim=claim)
            except LogWriteError:
                continue  # as the worker's loop does, which waits in between
            return True


def _ended(job: LeasedJob, how: str, now_us: int) -> Ended:
    terminal, ok = HOWS[how]
    if ok:
        return Ended(job, Succeeded(job_id=job.id, kind=job.kind, attempt=job.attempt))
    failed = Failed(
        job_id=job.id,
        kind=job.kind,
        attempt=job.attempt,
        error_type="E",
        to_dlq=terminal,
        retry_at_us=None if terminal else now_us,
    )
    return Ended(job, failed)


class DrivenRunner:
    """Whoever keeps ``stats.json``, in a thread that halts; it catches up and saves, and again."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.thread = HaltingThread(self._live)
        self.fs = HaltingFileSystem(self.thread, RUNNER, scene.power, scene.holders)

    def _live(self, thread: HaltingThread) -> None:
        runner = Runner(self._scene.data, fs=self.fs, clock=self._scene.clock)
        runner.start()
        while True:
            thread.halt(IDLE)
            runner.catch_up()
            thread.halt("save")
            runner.save()
