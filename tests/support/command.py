"""Run `syncstats` as somebody's shell does: a process of its own, with its streams and status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "projections.cli.main"]
HEARS_SIGINT = [
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, 0); os.execv(sys.argv[1], sys.argv[1:])",
]
"""Before a command: it hears SIGINT, as one that a terminal starts.

A test run in the background may ignore that signal, and its children with it.
"""


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as exactly one JSON value."""
        return json.loads(self.out)


def clean_env(**more: str) -> dict[str, str]:
    """This process's environment without settings of syncstats, our packages on the path."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SYNCSTATS_")}
    env.pop("COLUMNS", None)
    return env | {"PYTHONPATH": str(ROOT), **more}


def syncstats(
    *args: object,
    cwd: Path,
    stdin: str | bytes = b"",
    timeout_s: float = 60,
    preexec: Callable[[], None] | None = None,
    **env: str,
) -> Ran:
    done = subprocess.run(
        [*COMMAND, *map(str, args)],
        cwd=cwd,
        env=clean_env(**env),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=timeout_s,
        preexec_fn=preexec,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def assert_complaint(ran: Ran, *parts: str, status: int = 2) -> None:
    """One line on stderr that names its program and holds all parts; nothing on stdout."""
    assert ran.status == status, ran
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("syncstats: ")
    for part in parts:
        assert part in lines[0], lines[0]


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a script of bash in which ``$SYNCSTATS`` is the command."""
    env = clean_env(SYNCSTATS=" ".join(COMMAND))
    return subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=env, capture_output=True, check=False
    )
