"""What the kernel tells of a process: whether it runs, how much it works, how often it waits."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.handlers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Rest:
    """What a process did while it was watched.

    Attributes:
        cpu: Part of the time in which it computed: 1.0 is one core, all the time.
        waits_per_s: How often a second one of its threads began to wait.
    """

    cpu: float
    waits_per_s: float


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended, and that nobody has waited for yet, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def is_gone(pid: int) -> Callable[[], bool]:
    """For `wait_until`."""
    return lambda: not is_alive(pid)


def pid_in(path: Path) -> int:
    """The id that a script writes into a file, on a line of its own; waits for it."""
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), f"{path.name} is written")
    return int(path.read_text())


def watch_waiting(pid: int, waits: int) -> Rest:
    """Watch a process of Linux until it has waited so many times."""
    begin_s, cpu_s, count = time.monotonic(), _cpu_s(pid), _waits(pid)
    wait_until(lambda: _waits(pid) >= count + waits, f"process {pid} waits {waits} times", 60)
    passed_s = time.monotonic() - begin_s
    return Rest((_cpu_s(pid) - cpu_s) / passed_s, (_waits(pid) - count) / passed_s)


def _cpu_s(pid: int) -> float:
    # After the name in parentheses: utime and stime are fields 14 and 15 of proc_pid_stat(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _waits(pid: int) -> int:
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                count += int(line.split()[1])
    return count
