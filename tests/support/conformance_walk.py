"""Ways to drive a bench: at random by seed, along a path of the model, and to a quiet end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.model.protocol import FAULT, RUNNER, steps
from tests.model.search import is_quiet
from tests.model.world import beginning
from tests.support.conformance_view import view_of_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from tests.model.protocol import Step
    from tests.model.world import World
    from tests.support.conformance import Bench
    from tests.support.conformance_driven import DrivenWorker

_MOST_HALTS = 40
"""No step of the model takes more halts of the code."""
_MOST_ROUNDS = 400
_MOST_RUNNERS = 2


def walk(bench: Bench, rng: Random, length: int) -> None:
    """Take so many steps, each by whoever the seed says."""
    for _ in range(length):
        _step(bench, rng)


def _step(bench: Bench, rng: Random) -> None:
    live = sorted(bench.workers)
    roll = rng.random()
    if roll < (0.08 if any(bench.workers[n].is_syncing for n in live) else 0.01):
        bench.power_fails(lambda path: bench.power.choices(path, rng))
        return
    roll = rng.random()
    if roll < (0.1 if bench.is_done else 0.01):  # which begins the work anew
        bench.lose_queue()
    elif roll < 0.05 and live:
        bench.kill(rng.choice(live))
    elif roll < 0.06 and bench.runners:
        bench.kill_runner(rng.choice(bench.runners))
    elif roll < 0.2 and not bench.is_in_doubt:
        if len(bench.runners) < _MOST_RUNNERS and rng.random() < 0.2:
            bench.begin_runner()
        elif bench.runners:
            bench.run(rng.choice(bench.runners))
    else:
        number = rng.randrange(bench.limits.workers)
        if number in bench.workers:
            _advance(bench, bench.workers[number], rng)
        else:
            bench.start(number)


def _advance(bench: Bench, worker: DrivenWorker, rng: Random) -> None:
    if worker.is_syncing and rng.random() < 0.05:
        bench.fail_sync(worker)
        return
    if worker.is_idle and worker.jobs:
        (job,) = worker.jobs
        if rng.random() < 0.12:
            worker.stop(begun=rng.random() < 0.5)
        else:
            tries_left = job.failures + job.not_found < bench.limits.retries
            how = rng.choice(["success", "dead", *["retry"] * (2 * tries_left)])
            worker.record(how, claim=rng.randrange(2))
    elif worker.is_idle and rng.random() < 0.3:
        worker.mend()
    elif worker.is_idle:
        worker.claim()
    bench.go_on(worker)


def drain(bench: Bench) -> None:
    """Let all workers live and do what there is, without a fault, until all is quiet."""
    asked_twice: dict[int, int] = {}
    for _ in range(_MOST_ROUNDS):
        for number in range(bench.limits.workers):
            worker = bench.workers.get(number) or bench.start(number)
            if worker.is_idle and worker.jobs:
                worker.record("success", claim=1)
            elif worker.is_idle:
                asked_twice[number] = asked_twice.get(number, 0) + 1
                (worker.claim if asked_twice[number] % 2 else worker.mend)()
            bench.go_on(worker)
        if bench.is_done and all(worker.is_idle for worker in bench.workers.values()):
            break
    for runner in bench.runners:
        bench.run(runner)
    assert any(is_quiet(world, bench.limits) for world in bench.worlds), bench.history[-40:]


def follow(bench: Bench, path: Sequence[Step]) -> int:
    """Lead the real parts along a path, as far as the unbroken model goes along.

    Returns:
        How many of its steps they took.
    """
    world = beginning(bench.limits)
    hows: dict[int, str] = {}
    for number, wanted in enumerate(path):
        step = _same(world, wanted, bench)
        if step is None:
            return number
        if step.actor == FAULT:
            _strike(bench, step)
        elif step.actor != RUNNER:
            _lead(bench, world, step, hows)
        world = step.after._replace(crashes=0)
        assert view_of_model(world) == bench.seen
    return len(path)


def _same(world: World, wanted: Step, bench: Bench) -> Step | None:
    """The unbroken model's step of that name; of power failures the one that leaves as much."""
    found = [step for step in steps(world, bench.limits) if step.name == wanted.name]

    def unlike(step: Step) -> int:
        pairs = zip(step.after.streams, wanted.after.streams, strict=True)
        return sum(abs(len(one.log) - len(other.log)) for one, other in pairs)

    return min(found, key=unlike, default=None)


def _strike(bench: Bench, step: Step) -> None:
    if step.name == "power fails":
        bench.power_fails(lambda path: _left(bench, step.after, path))
    elif step.name.startswith("kill worker "):
        bench.kill(int(step.name.rpartition(" ")[2]))
    else:
        bench.lose_queue()


def _left(bench: Bench, after: World, path: Path) -> int:
    """So many bytes that as many outcomes are left as in a world after a power failure."""
    stream = after.streams[bench.streams.index(path.parent.name)]
    data = path.read_bytes()
    end, outcomes = 0, 0
    for line in data.split(b"\n")[:-1]:
        outcomes += b'"event":"job.' in line
        if outcomes > len(stream.log):
            break
        end += len(line) + 1
    return max(end, bench.power.synced(path))


def _lead(bench: Bench, world: World, step: Step, hows: dict[int, str]) -> None:
    """Let a worker take the halts that make one step of the model."""
    number = step.actor
    does = step.name.removeprefix(f"worker {number} ")
    if does.startswith("runs "):
        hows[number] = does.rpartition(" ")[2]
    before, after = view_of_model(world), view_of_model(step.after)
    if before == after and does != "is idle":
        return  # nothing that can be seen: it is a part of what the worker does next
    worker = bench.workers.get(number) or bench.start(number)
    is_told = False
    for _ in range(_MOST_HALTS):
        if worker.is_idle and does == "is idle":
            return
        if worker.is_idle and not is_told:
            is_told = True
            _tell(worker, does, hows.get(number, ""))
        bench.go_on(worker)
        if bench.seen == after != before:
            return
        assert bench.seen == before, f"{step.name}: {bench.seen}"
    raise AssertionError(f"{step.name} was not done: {bench.history[-_MOST_HALTS:]}")


def _tell(worker: DrivenWorker, does: str, how: str) -> None:
    """Command an idle worker to do what a step of the model begins with."""
    if does.startswith("claims "):
        worker.claim()
    elif does.startswith("appends "):
        worker.record(how, claim=0)
    elif does.startswith("is idle, locks "):
        worker.mend()
    elif does.startswith("stops, "):
        worker.stop(begun="interrupts" in does)
