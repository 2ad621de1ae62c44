"""The plan: what is done and killed in each cycle. All of it follows from the seed.

Cycles come in rounds. A round has every chosen point once, as many random moments, and some cycles
in which all workers die at once, in an order of its own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from fnmatch import fnmatch
from random import Random
from typing import TYPE_CHECKING

from tests.faults.harness.points import (
    COMPRESS,
    ENQUEUE,
    POINTS,
    PRUNE,
    REBUILD,
    RETRY,
    WORKER,
    Point,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE, _ALL = "one at a random moment", "all at a random moment"
_MOMENTS = 25
_ALL_AT_ONCE = 8
_KINDS = {
    "ok": 6,
    "work": 6,
    "low": 2,
    "skip": 2,
    "flaky": 4,
    "missing": 2,
    "permanent": 3,
    "never": 1,
}
KILL = "kill"
KILL_ONCE = "kill-once"
VERIFY, RUNNER = "verify", "runner"
COMPANIONS = (VERIFY, RUNNER, REBUILD, RETRY, ENQUEUE, COMPRESS, PRUNE)
_FOREVER = "64MiB"


@dataclass(frozen=True)
class WorkerPlan:
    """How a worker is started.

    Attributes:
        concurrency: Jobs at once.
        batch: Jobs leased at once.
        segment_bytes: Size of its segments.
        compresses: Whether it compresses sealed segments.
        is_executed: By a Python of its own, as a user does; else forked from the harness.
    """

    concurrency: int
    batch: int
    segment_bytes: str
    compresses: bool
    is_executed: bool


@dataclass(frozen=True)
class Kill:
    """Who is killed, and when.

    Attributes:
        point: At which step, with `nth`; None: at a random moment.
        nth: The how many-th such step.
        share: The share of a torn write that reaches the file.
        lines: A random moment is so many lines of truth after the workers' start,
        delay_s: and so many seconds.
        everyone: All workers die.
        choice: Which of the living workers, modulo their number.
    """

    point: Point | None = None
    nth: int = 1
    share: float = 0.5
    lines: int = 0
    delay_s: float = 0.0
    everyone: bool = False
    choice: int = 0

    @property
    def role(self) -> str:
        """What kind of process is to die."""
        return WORKER if self.point is None else self.point.role

    def __str__(self) -> str:
        if self.point is not None:
            return f"{self.point.name} #{self.nth}"
        return f"{'all' if self.everyone else 'one'} after {self.lines} lines"


@dataclass(frozen=True)
class Cycle:
    """What happens up to one kill.

    Attributes:
        number: From 1.
        kill: The kill.
        jobs: What each new job does.
        workers: New workers, started at the same moment; the first is the one to die.
        companions: Other commands that run beside them.
        alone: Nobody who works already shall be there.
        is_new_boot: The first worker finds the machine started again.
        losses: So many workers shall have died of a job before.
        ends_quietly: The workers that are left are asked to stop.
    """

    number: int
    kill: Kill
    jobs: tuple[str, ...]
    workers: tuple[WorkerPlan, ...]
    companions: tuple[str, ...] = field(default=())
    alone: bool = False
    is_new_boot: bool = False
    losses: int = 0
    ends_quietly: bool = False


def cycles(seed: int, count: int, only: str = "*") -> Iterator[Cycle]:
    """The first ``count`` cycles of a seed.

    Args:
        seed: Everything follows from it.
        count: How many.
        only: A shell pattern for the names of points; other than ``*``: no random moments.
    """
    endless = (kill for number in itertools.count() for kill in _round(seed, number, only))
    for number, (kill, alone) in enumerate(itertools.islice(endless, count), 1):
        yield _cycle(Random(f"{seed}/{number}"), number, kill, alone=alone)


def _round(seed: int, number: int, only: str) -> Iterator[tuple[Kill, bool]]:
    """The kills of a round; some need another one just before them, with nobody else there."""
    rng = Random(f"{seed}/round {number}")
    by_name = {point.name: point for point in POINTS}
    scenes: list[list[Point | str]] = [
        [by_name[point.after], point] if point.after else [point]
        for point in POINTS
        if fnmatch(point.name, only)
    ]
    if only == "*":
        scenes.extend([moment] for moment in [_ONE] * _MOMENTS + [_ALL] * _ALL_AT_ONCE)
    rng.shuffle(scenes)
    for scene in scenes:
        for what in scene:
            if isinstance(what, Point):
                nth = rng.randrange(what.first, what.first + what.most)
                alone = len(scene) > 1 or what.is_alone or what.is_loss
                yield Kill(what, nth=nth, share=rng.random()), alone
            else:
                yield _moment(rng, everyone=what == _ALL), False


def _moment(rng: Random, *, everyone: bool) -> Kill:
    # Often while the workers start.
    lines = 0 if rng.random() < 0.3 else rng.randrange(1, 30)
    delay_s = rng.uniform(0, 0.06 if lines == 0 else 0.004)
    return Kill(lines=lines, delay_s=delay_s, everyone=everyone, choice=rng.randrange(12))


def _cycle(rng: Random, number: int, kill: Kill, *, alone: bool) -> Cycle:
    point = kill.point or Point("", "")
    jobs = rng.choices([*_KINDS], [*_KINDS.values()], k=rng.randrange(8, 20))
    if not alone:
        jobs += [KILL_ONCE] * (rng.random() < 0.08) + [KILL] * (rng.random() < 0.06)
        rng.shuffle(jobs)
    workers = 1 if alone else rng.choice([1, 1, 2, 3])
    is_rotation = point.compresses or point.name.startswith("rotation")
    sizes = ["600", "1200"] if is_rotation else ["900", "3000", _FOREVER]
    beside = [each for each in COMPANIONS if each != kill.role and rng.random() < 0.12]
    return Cycle(
        number,
        kill,
        jobs=tuple([KILL] * point.is_loss + jobs),
        workers=tuple(_worker(rng, sizes, must=point.compresses) for _ in range(workers)),
        companions=tuple(beside),
        alone=alone,
        is_new_boot=point.is_new_boot,
        losses=3 if point.is_loss else 0,
        ends_quietly=rng.random() < 0.4,
    )


def _worker(rng: Random, sizes: list[str], *, must: bool) -> WorkerPlan:
    return WorkerPlan(
        concurrency=rng.choice([1, 2, 3]),
        batch=rng.choice([1, 3, 6, 12]),
        segment_bytes=rng.choice(sizes),
        compresses=rng.random() < 0.2 or must,
        is_executed=rng.random() < 0.1,
    )
