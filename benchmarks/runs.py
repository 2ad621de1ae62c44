"""Commands that take turns: each is run once to see what it says, then so often to be timed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOT = Path(__file__).parent.parent
SYNCSTATS = (sys.executable, "-m", "projections.cli")
_LAUNCH = Path(__file__).with_name("launch.py")
# A start without .pyc files, or one that flushes each line, is not what users have.
_UNSET = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "SYNCSTATS_PURE", "SYNCSTATS_DATA")


class WayError(Exception):
    """A command failed."""


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        wall_s: Seconds from its start to its end.
        cpu_s: Seconds of all processors, by it and its children.
        peak_bytes: The most memory that it had, or one of its children.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Way:
    """A command to be timed.

    Attributes:
        name: What it is called in tables.
        argv: The command.
        check: Looks at what it printed, and raises where that is wrong.
        env: What is set for it beside this process's environment.
    """

    name: str
    argv: Sequence[str]
    check: Callable[[bytes], None] | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Timed:
    """All runs of one way.

    Attributes:
        name: The way's.
        runs: They, in their order.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def wall_s(self) -> float:
        """The median of seconds."""
        return median(run.wall_s for run in self.runs)

    @property
    def cpu_s(self) -> float:
        """The median of seconds of all processors."""
        return median(run.cpu_s for run in self.runs)

    @property
    def peak_bytes(self) -> int:
        """The most memory of any run."""
        return max(run.peak_bytes for run in self.runs)


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: this one, with the package in this checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def run(way: Way, folder: Path, *, look: bool = False) -> Run:
    """Run a way once.

    Args:
        way: It.
        folder: Where its output may stand meanwhile.
        look: Whether its output is looked at; else it goes nowhere.

    Raises:
        WayError: It failed.
    """
    out, err = folder / "out", folder / "err"
    spec = {
        "argv": list(way.argv),
        "env": environment(**way.env),
        "out": str(out) if look else os.devnull,
        "err": str(err),
    }
    launch = (sys.executable, "-I", "-S", str(_LAUNCH), json.dumps(spec))
    told = json.loads(subprocess.run(launch, check=True, capture_output=True).stdout)
    status = told.pop("status")
    if status:
        words = err.read_text(errors="replace").strip().splitlines()[-1:]
        raise WayError(f"{way.name} ended with status {status}: {' '.join(words)}")
    if look and way.check is not None:
        way.check(out.read_bytes())
    return Run(**told)


def take_turns(ways: Sequence[Way], rounds: int, folder: Path) -> dict[str, Timed]:
    """Run all ways in turn, so often; before that each once, to see that it says what is right.

    Raises:
        WayError: One failed.
    """
    for way in ways:
        run(way, folder, look=True)
    runs: dict[str, list[Run]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            runs[way.name].append(run(way, folder))
    return {name: Timed(name, tuple(each)) for name, each in runs.items()}
