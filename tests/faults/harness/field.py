"""The field on which the plan is played: one data folder, its workers, kills, and their audit."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from tests.faults.harness.audit import TOLD, Told, audit
from tests.faults.harness.crew import Crew, Process
from tests.faults.harness.handler import SPEC, TRIES
from tests.faults.harness.plan import RUNNER, VERIFY
from tests.faults.harness.points import COMPRESS, ENQUEUE, PRUNE, REBUILD, RETRY, WORKER
from tests.faults.harness.program import KEEP_STATS, Death, Spec
from tests.faults.harness.stores import newest_letters
from tests.faults.harness.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.faults.harness.audit import Audit
    from tests.faults.harness.plan import Cycle, Kill, WorkerPlan

MOST_WORKERS = 4
IDLE_AFTER = 12
"""Looks for work in vain after which a worker does not come to the step where it was to die."""
HANGS_AFTER = 150
"""Such looks, of `POLL_S`, after which a drain will not end."""
MOST_RETRIED = 12
"""Dead letters that are tried again at once: most of them die again."""
MOST_DRAINS = 60
"""Workers that may die of jobs before all is drained: each such job has three."""
KEPT = "6KiB"
"""What prune leaves of the log."""
PRELUDE, DRAIN = "prelude", "drain"
_WORKERS = {WORKER, PRELUDE, DRAIN}
_RUN = (
    *("run", "--data", "D", "--handler", SPEC, "--breaker-failures", "0"),
    *("--retry-base", "0.01", "--retry-cap", "0.02", "--retry-tries", str(TRIES)),
    *("--not-found-base", "0.01", "--not-found-cap", "0.02", "--not-found-tries", str(TRIES)),
    *("--summary-every", "0"),
)
_COMMANDS = {
    VERIFY: ("verify", "--data", "D", "--strict"),
    RUNNER: (KEEP_STATS,),
    REBUILD: ("rebuild", "--data", "D", "--json"),
    RETRY: ("dlq", "retry", "--data", "D", "--json"),
    COMPRESS: ("prune", "--data", "D", "--compress", "--json"),
    PRUNE: ("prune", "--data", "D", "--keep", KEPT, "--json"),
}
_EXPECTED = (
    "took over stream",
    "the last line was torn by a crash",
    "the last line is incomplete",
    "stopping: what runs may end",
)
"""What a process may say here; anything else tells of a damage that no kill does."""


class Field:
    """Plays cycles in a folder.

    Args:
        folder: An empty folder.
        mutation: What is broken in every process, by its name in `tests.support.mutations`.

    Attributes:
        told: What was acknowledged to the harness, and whom it killed.
        odd: Processes that ended as none should, in a sentence each.
        died_at: How often processes died where.
        kills: How many processes were killed.
    """

    def __init__(self, folder: Path, mutation: str | None = None) -> None:
        self._folder = folder
        self._mutation = mutation
        self._crew = Crew(folder, self._has_ended)
        self._truth = Truth(folder)
        self._batches: dict[str, int] = {}
        self._scene = 0
        self.told = Told()
        self.odd: list[str] = []
        self.died_at: Counter[str] = Counter()
        self.kills = 0

    def play(self, cycle: Cycle) -> None:
        """Play a cycle, up to its kill and what follows from it."""
        kills = self.kills
        name = f"c{cycle.number:05d}"
        if cycle.alone:
            self._stop_workers()
        self._enqueue(f"{name}-jobs", cycle.jobs, self._death_of(cycle.kill, ENQUEUE))
        for number in range(cycle.losses):
            self._lose_a_worker(f"{name}-lost{number}", cycle.workers[0])
        kills_before = self.kills if cycle.losses else kills
        free = max(1, MOST_WORKERS - len(self._workers()))
        for number, plan in enumerate(cycle.workers[:free]):
            death = self._death_of(cycle.kill, WORKER) if number == 0 else Death()
            boot = name if number == 0 and cycle.is_new_boot else None
            self._start_worker(f"{name}-w{number}", plan, death, boot=boot)
        others = [self._start_companion(name, each, cycle) for each in self._beside(cycle)]
        self._until_killed(cycle.kill, kills_before, others)
        self._crew.wait_for(*others)
        if cycle.ends_quietly:
            self._stop_workers()

    def settle(self) -> Audit:
        """Let all work be done without faults, and compare everything with everything."""
        self._stop_workers()
        name = f"settle{self._scene}-"
        for number in range(MOST_DRAINS):
            drain = Spec(
                f"{name}{number}",
                (*_RUN, "--drain", "--wait"),
                Death(idle_looks=HANGS_AFTER),  # a drain that has nothing to do, and goes on
                self._mutation,
            )
            process = self._crew.start(drain, DRAIN, execute=number == 0)
            self._batches[process.name] = 32
            self._crew.wait_for(process)
            if process.name not in self._truth.killers:
                break
        verified = self._command(f"{name}verify", VERIFY)
        (self._folder / TOLD).write_bytes(msgspec.json.encode(self.told))
        found = audit(self._folder)
        if verified.status != 0:
            found.lost.append(f"verify --strict: {verified.out.read_text().strip()}")
        stats = self._folder / "D/stats.json"
        kept = stats.read_bytes() if stats.exists() else None
        self._command(f"{name}rebuild", REBUILD)
        if stats.exists() and stats.read_bytes() != kept:
            found.lost.append("rebuild gives another stats.json")
        return found

    def end(self) -> None:
        """Leave no process behind."""
        self._crew.end()

    # Starting processes

    def _death_of(self, kill: Kill, role: str) -> Death:
        """How the first process of a role is to die in this cycle."""
        if kill.role != role:
            return Death()
        if kill.point is None:
            return Death(idle_looks=IDLE_AFTER)
        looks = IDLE_AFTER if role == WORKER else 0
        return Death(kill.point.name, kill.point.pattern, kill.nth, kill.share, looks)

    def _enqueue(self, name: str, jobs: Iterable[str], death: Death) -> Process:
        scenes = []
        lines = []
        for do in jobs:
            self._scene += 1
            scenes.append(self._scene)
            lines.append(json.dumps({"scene_id": self._scene, "data": {"do": do}}))
        file = self._folder / f"{name}.jsonl"
        file.write_text("\n".join(lines) + "\n")
        arguments = ("enqueue", file.name, "--data", "D", "--json")
        process = self._crew.start(Spec(name, arguments, death, self._mutation), ENQUEUE)
        self._crew.wait_for(process)
        if process.status == 0:
            self.told.added += scenes
        else:
            self.told.unsure.append(scenes)
        file.unlink()
        return process

    def _start_worker(
        self, name: str, plan: WorkerPlan, death: Death, *more: str, boot: str | None = None
    ) -> Process:
        arguments = (
            *(*_RUN, "--concurrency", str(plan.concurrency), "--batch", str(plan.batch)),
            *("--segment-bytes", plan.segment_bytes),
            *(["--compress"] if plan.compresses else []),
            *more,
        )
        self._batches[name] = max(plan.batch, plan.concurrency)
        role = PRELUDE if more else WORKER
        spec = Spec(name, arguments, death, self._mutation, boot)
        return self._crew.start(spec, role, execute=plan.is_executed)

    def _lose_a_worker(self, name: str, plan: WorkerPlan) -> None:
        """Let a worker die of a job, if there is one that kills."""
        process = self._start_worker(name, plan, Death(), "--drain", "--wait")
        self._crew.wait_for(process)

    def _beside(self, cycle: Cycle) -> list[str]:
        role = cycle.kill.role
        return [*cycle.companions, *([] if role in {WORKER, ENQUEUE} else [role])]

    def _start_companion(self, name: str, role: str, cycle: Cycle) -> Process:
        death = self._death_of(cycle.kill, role)
        name = f"{name}-{role}"
        if role == ENQUEUE:
            return self._enqueue(name, ["ok", "flaky", "work"][: 1 + cycle.number % 3], death)
        if death.pattern and role == REBUILD:  # there is nothing to replace where nothing differs
            (self._folder / "D/stats.json").unlink(missing_ok=True)
        arguments = _COMMANDS[role]
        if role == RETRY:
            newest = newest_letters(self._folder / "D", MOST_RETRIED)
            arguments += tuple(map(str, newest)) or ("--all",)
        return self._crew.start(Spec(name, arguments, death, self._mutation), role)

    def _command(self, name: str, role: str) -> Process:
        process = self._crew.start(Spec(name, _COMMANDS[role], mutation=self._mutation), role)
        self._crew.wait_for(process)
        return process

    # Ending them

    def _workers(self) -> list[Process]:
        return [process for process in self._crew.living if process.role == WORKER]

    def _stop_workers(self) -> None:
        self._crew.stop(self._workers())

    def _until_killed(self, kill: Kill, kills_before: int, others: list[Process]) -> None:
        """Wait until somebody was killed; where the plan's step does not come, kill somebody."""
        first = self._truth.read()
        for _ in self._crew.waiting(f"somebody dies: {kill}"):
            if self.kills > kills_before or not self._workers():
                return
            is_late = kill.role != WORKER and all(each.status is not None for each in others)
            is_time = kill.point is None and self._truth.read() - first >= kill.lines
            if is_late or is_time:
                time.sleep(kill.delay_s)  # a random moment, not a wait
                self._crew.poll()
                self._kill(kill)

    def _kill(self, kill: Kill) -> None:
        workers = self._workers()
        if not workers:
            return
        chosen = workers if kill.everyone else [workers[kill.choice % len(workers)]]
        for process in chosen:
            self._crew.kill(process)
        self._crew.wait_for(*chosen)

    def _has_ended(self, process: Process) -> None:
        """Note how a process has ended."""
        said = process.said()
        unexpected = [
            line for line in said.splitlines() if not any(text in line for text in _EXPECTED)
        ]
        if unexpected:
            self.odd.append(f"{process.name} said: {' / '.join(unexpected)}")
        if process.is_dead:
            self._was_killed(process)
        elif process.status != 0 and not self._may_end_with(process):
            self.odd.append(
                f"{process.name} ended with status {process.status}: "
                f"{process.out.read_text().strip()[:500]}"
            )
        elif process.role == WORKER and not process.is_stopped:
            self.odd.append(f"{process.name} ended, and nobody had asked it to: {said.strip()}")
        if not unexpected:
            process.error.unlink()

    def _was_killed(self, process: Process) -> None:
        self.kills += 1
        self._truth.read()
        self.told.killed[process.name] = self._batches.get(process.name, 0)
        point = self._crew.deaths().get(process.name)
        if point is not None:
            self.died_at[point] += 1
        elif process.is_killed_by_us:
            self.died_at["random moment"] += 1
        elif process.name in self._truth.killers:
            self.died_at["its job"] += 1
        else:
            self.odd.append(f"{process.name} was killed by nobody that the harness knows")

    @staticmethod
    def _may_end_with(process: Process) -> bool:
        """Whether a status other than 0 is no fault."""
        # A stop that comes before the signals are heard ends a process as signals do.
        return process.is_stopped and process.status == -15
