"""The processes of the harness: forked from it or executed anew, and how each of them ended."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tests.faults.harness.program import DEATHS, Spec, run
from tests.faults.harness.steps import IDLE
from tests.support.command import clean_env
from tests.support.forking import fork

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAUSE_S = 0.001
PATIENCE_S = 120.0
"""Nothing takes so long; a process that does hangs."""
_PR_SET_PDEATHSIG = 1
_KILLED = -signal.SIGKILL


class HangsError(AssertionError):
    """A process does not come to its end."""


@dataclass(eq=False)
class Process:
    """A process that was started.

    Attributes:
        name: Its name, nobody else's.
        pid: Its number.
        role: What kind of process it is.
        error: File with what it wrote to standard error.
        out: File with what it wrote to standard output.
        status: As of `subprocess`; None while it lives.
        is_killed_by_us: It was sent SIGKILL.
        is_stopped: It was sent SIGTERM.
    """

    name: str
    pid: int
    role: str
    error: Path
    out: Path
    status: int | None = None
    is_killed_by_us: bool = False
    is_stopped: bool = False

    @property
    def is_dead(self) -> bool:
        """Whether it was killed."""
        return self.status == _KILLED

    def said(self) -> str:
        """What it wrote to standard error."""
        return self.error.read_text(errors="backslashreplace")


class Crew:
    """Starts processes in one folder, watches and ends them.

    Args:
        folder: Where they run.
        ended: Told of each process that has ended.
    """

    def __init__(self, folder: Path, ended: Callable[[Process], None]) -> None:
        self._folder = folder
        self._ended = ended
        self._said = folder / "said"
        self._said.mkdir()
        self.living: list[Process] = []

    def start(self, spec: Spec, role: str, *, execute: bool = False) -> Process:
        """Start a process; ``execute``: by a Python of its own."""
        error, out = (self._said / f"{spec.name}.{end}" for end in ("err", "out"))
        error.touch()  # the child may be killed before it can
        out.touch()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = fork()
        if pid == 0:
            self._be(spec, error, out, execute=execute)
        process = Process(spec.name, pid, role, error, out)
        self.living.append(process)
        return process

    def _be(self, spec: Spec, error: Path, out: Path, *, execute: bool) -> None:
        """In the child: never returns, whatever happens."""
        status = 70
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            _die_with_parent()
            os.chdir(self._folder)
            for descriptor, path in enumerate((os.devnull, str(out), str(error))):
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
                os.dup2(file, descriptor)
                os.close(file)
            if execute:
                program = [sys.executable, "-m", "tests.faults.harness.program"]
                os.execve(program[0], [*program, msgspec.json.encode(spec).decode()], clean_env())
            status = run(spec)
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:  # noqa: BLE001 - told to the parent, the child ends here
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)

    def poll(self) -> None:
        """Take note of those that have ended."""
        for process in list(self.living):
            pid, status = os.waitpid(process.pid, os.WNOHANG)
            if pid:
                process.status = os.waitstatus_to_exitcode(status)
                self.living.remove(process)
                self._ended(process)

    def wait_for(self, *processes: Process) -> None:
        """Wait until they have ended.

        Raises:
            HangsError: One does not.
        """
        for _ in self.waiting(f"{[each.name for each in processes]} end"):
            if all(process.status is not None for process in processes):
                return

    def waiting(self, what: str) -> Iterator[None]:
        """Turn by turn, for as long as the caller wants, but not for ever.

        Raises:
            HangsError: It took too long.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.poll()
            yield
            time.sleep(PAUSE_S)
        raise HangsError(
            f"waited {PATIENCE_S:g} s in vain until {what}; there live "
            f"{[(each.name, each.role, each.pid) for each in self.living]}"
        )

    def kill(self, process: Process) -> None:
        """Send SIGKILL, if it lives."""
        if process.status is None:
            process.is_killed_by_us = True
            os.kill(process.pid, signal.SIGKILL)

    def stop(self, processes: list[Process]) -> None:
        """Ask them to stop, and wait for it. One that has not begun to listen dies of it."""
        for process in processes:
            if process.status is None:
                process.is_stopped = True
                os.kill(process.pid, signal.SIGTERM)
        self.wait_for(*processes)

    def end(self) -> None:
        """Kill what lives, at the end."""
        for process in self.living:
            self.kill(process)
        self.wait_for(*self.living)

    def deaths(self) -> dict[str, str]:
        """The points at which processes killed themselves, by the processes' names."""
        path = self._folder / DEATHS
        if not path.exists():
            return {}
        told = [line.split("\t") for line in path.read_text().splitlines()]
        return {name: IDLE if step == IDLE else point for name, point, step in told}


def _die_with_parent() -> None:
    """So that nothing outlives a harness that is killed itself; where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
