"""Visiting every world that the protocol can reach, and the shortest way to a broken promise.

    python -m tests.model.search                   # the design: no broken promise
    python -m tests.model.search --break NAME      # a mutation of it: the way in which it fails
    python -m tests.model.search --crashes 3       # 966,384 worlds, a minute; --jobs 2: many
    python -m tests.model.search --as-code         # the code's finer steps

The promises:

- one outcome: in all logs together, a (job, attempt) has at most one outcome
- one end: a job has at most one terminal outcome, and when all is quiet exactly one
- nothing lost: an outcome whose effect the queue has seen is in a log for ever; when all is quiet
  the dead letters are exactly the jobs whose terminal outcome is a failure, each once
- counted once: ``stats.json`` is never ahead of what is on disk
- progress: when no worker can do anything more, every job has ended; none is stuck, not even one
  that killed its worker
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from tests.model.protocol import BREAKS, Step, steps, worker_steps
from tests.model.world import Limits, World, beginning

if TYPE_CHECKING:
    from collections.abc import Iterator


class Found(NamedTuple):
    """What a search came to.

    Attributes:
        worlds: How many were seen.
        broken: The promise that is broken, and how; None if all hold.
        way: The shortest way there.
    """

    worlds: int
    broken: str | None
    way: list[Step]


def search(limits: Limits) -> Found:
    """Visit all worlds, those that fewer steps lead to first, up to a broken promise."""
    start = beginning(limits)
    came_from: dict[World, tuple[World, Step] | None] = {start: None}
    todo = deque([start])
    while todo:
        world = todo.popleft()
        why = broken_promise(world, limits)
        if why is not None:
            way = []
            while (before := came_from[world]) is not None:
                world, step = before
                way.append(step)
            return Found(len(came_from), why, way[::-1])
        for step in steps(world, limits):
            if step.after not in came_from:
                came_from[step.after] = world, step
                todo.append(step.after)
    return Found(len(came_from), None, [])


def is_quiet(world: World, limits: Limits) -> bool:
    """Whether no worker can do anything more."""
    return not any(True for w in range(len(world.workers)) for _ in worker_steps(world, w, limits))


def broken_promise(world: World, limits: Limits) -> str | None:
    """The first promise that does not hold, in words; None if all hold."""
    return next(_broken(world, limits), None)


def _broken(world: World, limits: Limits) -> Iterator[str]:
    outcomes = [outcome for stream in world.streams for outcome in stream.log]
    keys = [(outcome.job, outcome.attempt, outcome.queue) for outcome in outcomes]
    if len(keys) != len(set(keys)):
        yield "one outcome: a (job, attempt) stands twice in the logs"
    ends = [(outcome.job, outcome.queue) for outcome in outcomes if outcome.terminal]
    if len(ends) != len(set(ends)):
        yield "one end: a job has two terminal outcomes"
    lost = {key[:2] for key in world.applied.difference(keys)}
    at_hand = {(w.outcome.job, w.outcome.attempt) for w in world.workers if w.outcome is not None}
    if lost - at_hand:
        yield f"nothing lost: the queue has seen {sorted(lost)}, no log has it"
    for s, stream in enumerate(world.streams):
        if world.saved[s] > stream.durable:
            yield (
                f"counted once: stats.json covers {world.saved[s]} outcomes of stream {s}, "
                f"{stream.durable} are on disk"
            )
    dead = {
        (s, seq, outcome.job): outcome.queue
        for s, stream in enumerate(world.streams)
        for seq, outcome in enumerate(stream.log)
        if outcome.is_dead
    }
    if not world.letters <= dead.keys():
        yield "nothing lost: a dead letter without its outcome"
    if limits.as_code and any(job.losses >= limits.losses for job in world.jobs):
        yield "progress: a job that was lost too often is to run again"
    if is_quiet(world, limits):
        yield from _broken_in_quiet(world, set(ends), dead)


def _broken_in_quiet(
    world: World, ends: set[tuple[int, int]], dead: dict[tuple[int, int, int], int]
) -> Iterator[str]:
    for j, job in enumerate(world.jobs):
        if job.state != "gone":
            yield f"progress: job {j} is {job.state} and nobody will take it"
        elif (j, world.queue) not in ends:
            yield f"one end: job {j} is gone from the queue, no log has its end"
    if any(queue == world.queue and letter not in world.letters for letter, queue in dead.items()):
        yield "nothing lost: a job died, and its dead letter is missing"


def main() -> int:
    """Search as the command line asks; status 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.search")
    for name in ("workers", "jobs", "attempts", "crashes", "queues", "losses", "retries"):
        default = Limits._field_defaults[name]
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default: {default}")
    parser.add_argument("--as-code", action="store_true", help="the code's finer steps")
    parser.add_argument("--stale", action="store_true", help="as code, with old listings")
    parser.add_argument("--break", dest="broken", action="append", default=[], choices=BREAKS)
    asked = vars(parser.parse_args())
    limits = Limits(**{**asked, "broken": frozenset(asked["broken"])})
    found = search(limits)
    if found.broken is None:
        print(f"{found.worlds:,} worlds, every promise holds")  # noqa: T201 -- a command of its own
        return 0
    print(f"after {len(found.way)} steps ({found.worlds:,} worlds): {found.broken}")  # noqa: T201 -- as above
    for step in found.way:
        print(f"  {step.name}")  # noqa: T201 -- as above
    return 1


if __name__ == "__main__":
    sys.exit(main())
