"""The real parts, driven step by step, and held to the protocol's model after every step.

Each worker and each keeper of ``stats.json`` is a thread that halts before every call that changes
something: of `JobQueue`, of `DeadLetterQueue`, and of the file system below `StreamWriter`,
`TakeOver` and `Runner`. After each such call, what stands in queue.db, dlq.db, the logs (and how
much of them is on disk), the locks and stats.json must be what some steps of the model make of what
stood there before. A kill ends a thread where it halts; a power failure ends all, and cuts each log
at any byte beyond what was synced; a lost queue is a file that is removed, and filled anew.

Where the code's grain is another than the model's:

- The queue applies an outcome and claims the next job in one transaction: two steps of the model.
- Of several jobs that are due, the queue gives the first: the model allows each.
- A save replaces the positions of all streams at once: a step for each in the model.
- Finding nothing to sync, to insert or to release is a step of the model, and no call.
- Cutting a torn line aside, opening and naming files, and lines that are no outcome
  (``stream.opened``), are steps of the code that the model does not see.
- After a failed sync the lines are written again, by the worker into a new segment, or by whoever
  recovers the stream: to the model, a sync that took longer. (Keepers of the stats stand still in
  between. One that synced that file then would be told that it is on the disk, and save; should the
  power fail before the lines are written again, the next start finds that the log is shorter.)
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from events.filesystem import RealFileSystem
from events.log.segment import list_segments
from events.log.stream import stream_folder
from tests.model.protocol import Step, faults, runner_steps, worker_steps
from tests.model.search import broken_promise
from tests.model.world import beginning
from tests.support.conformance_driven import DrivenRunner, DrivenWorker, Scene
from tests.support.conformance_view import Observer, view_of_model
from tests.support.halting_filesystem import Holders, Power
from tests.support.held_clock import HeldClock
from tests.support.workers import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from tests.model.world import Limits, World

_MOST_AT_ONCE = 4
"""Steps of the model that one call may amount to; more with more streams to save."""


class Bench:
    """A data folder with workers and keepers that are driven, and the worlds that it may be.

    Args:
        data: The data folder, which is made.
        limits: The model's.
        segment_bytes: Size at which a segment is followed by the next.

    Attributes:
        workers: Those that live, by number.
        runners: Those that live.
        worlds: The model's worlds that look like what is there, and that its past leads to.
        history: What was done, for messages.
    """

    def __init__(self, data: Path, limits: Limits, *, segment_bytes: int = 1 << 20) -> None:
        self.data = data
        self.limits = limits
        self.power, self.holders = Power(), Holders()
        self.scene = Scene(data, HeldClock(), segment_bytes, self.power, self.holders)
        self.workers: dict[int, DrivenWorker] = {}
        self.runners: list[DrivenRunner] = []
        self.history: list[str] = []
        with closing(Place(data, self.scene.clock)) as place:
            for own in [place.start() for _ in range(limits.workers)]:
                own.close()
            self.streams = place.streams()
            place.enqueue(limits.jobs)
        self.queue = 0
        self._observer = Observer(data, self.streams, limits.jobs, self.power, self.holders)
        self.worlds = {beginning(limits)}
        self.seen = self._observer.view(0)
        assert {self.seen} == set(map(view_of_model, self.worlds))

    @property
    def is_in_doubt(self) -> bool:
        """Whether a sync has failed, and what it was to bring to disk is not there."""
        return any(
            stream.durable < len(stream.log) and self.power.has_dropped(self.data / "events" / name)
            for name, stream in zip(self.streams, self.seen.streams, strict=True)
        )

    @property
    def is_done(self) -> bool:
        """Whether all jobs have ended."""
        return all(job == ("gone",) for job in self.seen.jobs)

    def close(self) -> None:
        """End all threads."""
        threads = [each.thread for each in self.workers.values()]
        threads += [each.thread for each in self.runners]
        for thread in threads:
            thread.kill()

    # What can be done

    def start(self, number: int) -> DrivenWorker:
        """Begin a worker, which halts before its first step."""
        worker = self.workers[number] = DrivenWorker(self.scene, number)
        return worker

    def go_on(self, worker: DrivenWorker) -> None:
        """Let a worker take one step."""
        step = f"worker {worker.number}: {worker.thread.where}"
        worker.thread.go_on()
        if worker.thread.is_over:
            del self.workers[worker.number]
        self._follow(step, lambda world: worker_steps(world, worker.number, self.limits))

    def fail_sync(self, worker: DrivenWorker) -> None:
        """Let the sync before which a worker halts fail."""
        self.history.append("fail the next sync")
        worker.fs.fail_next_sync = True
        self.go_on(worker)

    def begin_runner(self) -> None:
        """Begin another keeper of the stats."""
        self.runners.append(DrivenRunner(self.scene))

    def run(self, runner: DrivenRunner) -> None:
        """Let a keeper of the stats take one step."""
        step = f"runner: {runner.thread.where}"
        runner.thread.go_on()
        self._follow(step, lambda world: runner_steps(world, self.limits))

    def kill(self, number: int) -> None:
        """Kill a worker."""
        self.workers.pop(number).thread.kill()
        untouched = {world for world in self.worlds if world.workers[number].pc == "down"}
        self._suffer(f"kill worker {number}", untouched)

    def kill_runner(self, runner: DrivenRunner) -> None:
        """Kill a keeper of the stats, which is no step of the model."""
        self.runners.remove(runner)
        runner.thread.kill()
        self._follow("kill a runner", lambda _: ())

    def power_fails(self, left: Callable[[Path], int]) -> None:
        """End all, and leave of each segment so many bytes."""
        self._end_all()
        for stream in self.streams:
            for segment in list_segments(stream_folder(self.data, stream), RealFileSystem()):
                self.power.cut(segment.path, left(segment.path))
        self._suffer("power fails")

    def lose_queue(self) -> None:
        """End all, remove the queue's file, and enqueue the same jobs again."""
        self._end_all()
        for path in self.data.glob("queue.db*"):
            path.unlink()
        with closing(Place(self.data, self.scene.clock)) as place:
            place.enqueue(self.limits.jobs)
        self.queue += 1
        self._suffer("all end, the queue is lost and filled anew")

    def _end_all(self) -> None:
        self.close()
        self.workers.clear()
        self.runners.clear()

    # The model goes along

    def _suffer(self, fault: str, untouched: Collection[World] = ()) -> None:
        """A fault that is one step of the model; none in worlds that it leaves untouched."""
        struck = {
            step.after
            for world in self.worlds
            for step in faults(world, self.limits)
            if step.name == fault
        }
        self._take(fault, struck.union(untouched))

    def _follow(self, step: str, may: Callable[[World], Iterable[Step]]) -> None:
        """One step of the code, which is some steps of the model, or none."""
        now = frontier = self.worlds
        for _ in range(_MOST_AT_ONCE + self.limits.workers):
            frontier = {each.after for world in frontier for each in may(world)} - now
            now = now | frontier
        self._take(step, now)

    def _take(self, done: str, worlds: set[World]) -> None:
        """Look at what is there, and keep the worlds that look like that."""
        self.history.append(done)
        self.seen = self._observer.view(self.queue)
        alike = {world._replace(crashes=0) for world in worlds}  # they are not counted here
        left = {
            world
            for world in alike
            if view_of_model(world) == self.seen
            and all(each.may_be(world.workers[n]) for n, each in self.workers.items())
        }
        if not left:
            raise AssertionError(self._difference())
        self.worlds = left
        for world in left:
            assert broken_promise(world, self.limits) is None

    def _difference(self) -> str:
        expected = "\n".join(sorted({str(view_of_model(world)) for world in self.worlds}))
        done = "\n".join(self.history[-40:])
        return f"{done}\nleads to\n{self.seen}\nwhich no step of the model makes of\n{expected}"
