"""One process of the harness: the real command, in a hurry, with a gate at which it may die.

``python -m tests.faults.harness.program SPEC`` with a JSON object; or `run`, in a forked child.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from projections.cli import working
from projections.cli.main import main as syncstats
from projections.keeper import Keeper
from projections.runner import Runner
from tests.faults.harness.handler import PROCESS
from tests.faults.harness.steps import Gate
from tests.faults.harness.watching import ARCHIVE, watch_all

DEATHS = "deaths"
"""File that tells where processes killed themselves: name, point of the plan, step; by tabs."""
KEEP_STATS = "keep-stats"
_STARTS, _SAVES = 3, 10
POLL_S = 0.02
SAVE_EVERY_S = 0.02


class Death(msgspec.Struct, frozen=True):
    """At which step a process kills itself; see `Gate`. ``point`` is what the plan calls it."""

    point: str = ""
    pattern: str = ""
    nth: int = 1
    share: float = 0.5
    idle_looks: int = 0


class Spec(msgspec.Struct, frozen=True):
    """What a process is to be.

    Attributes:
        name: Its name, nobody else's.
        arguments: Those of ``syncstats``; or `KEEP_STATS` alone.
        death: Where it dies.
        mutation: What is broken in it, by its name in `tests.support.mutations`.
        boot: The machine's boot, if another than this one: then no old stream is its own.
    """

    name: str
    arguments: tuple[str, ...]
    death: Death = Death()
    mutation: str | None = None
    boot: str | None = None


def run(spec: Spec) -> int:
    """Be that process, in the current folder; give its exit status."""
    os.environ[PROCESS] = spec.name
    death = spec.death
    gate = Gate(
        death.pattern,
        death.nth,
        share=death.share,
        idle_looks=death.idle_looks,
        tell=functools.partial(_tell, spec.name, death.point),
    )
    with ExitStack() as stack:
        if spec.mutation is not None:
            mutations = importlib.import_module("tests.support.mutations").MUTATIONS
            stack.enter_context(mutations[spec.mutation].on())
        watch_all(stack, gate, Path.cwd() / ARCHIVE)
        _hurry(stack)
        if spec.boot is not None:
            boot = spec.boot
            stack.enter_context(patch.object(working, "boot_id", lambda: boot))
        return _keep_stats() if spec.arguments == (KEEP_STATS,) else syncstats(spec.arguments)


def _keep_stats() -> int:
    """A runner beside those of the workers, without the lock that lets only one of them save."""
    for _ in range(_STARTS):
        runner = Runner(Path("D"), notice=lambda text: print(text, file=sys.stderr))  # noqa: T201 - the harness reads it
        runner.start()
        for _ in range(_SAVES):
            runner.catch_up()
            runner.save()
    return 0


def _hurry(stack: ExitStack) -> None:
    """Look for work, and save, so often that a short life has a lot of both."""
    usual = working.worker_options

    def options(asked: Any) -> Any:
        return dataclasses.replace(usual(asked), poll_s=POLL_S)

    stack.enter_context(patch.object(working, "worker_options", options))
    keeper = functools.partial(Keeper, every_s=SAVE_EVERY_S)
    stack.enter_context(patch.object(working, "Keeper", keeper))


def _tell(name: str, point: str, step: str) -> None:
    descriptor = os.open(DEATHS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{name}\t{point}\t{step}\n".encode())


if __name__ == "__main__":
    sys.exit(run(msgspec.json.decode(sys.argv[1], type=Spec)))
