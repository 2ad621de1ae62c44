"""How much memory the command takes, with all that it starts."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.command import COMMAND, clean_env

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
WATCHED = """
import resource, subprocess, sys
done = subprocess.run(["sh", "-c", sys.argv[1]], capture_output=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.returncode, flush=True)
sys.stdout.buffer.write(done.stdout)
sys.stderr.buffer.write(done.stderr)
"""


def peak_mib(script: str, cwd: Path) -> tuple[float, int, str, str]:
    """Run a shell script, in which ``$SYNCSTATS`` is the command.

    Returns:
        The most memory that one of its processes took (waited for), in MiB; its status; what it
        wrote to standard output; and to standard error.
    """
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, script],
        cwd=cwd,
        env=clean_env(SYNCSTATS=shlex.join(COMMAND)),
        capture_output=True,
        check=True,
    )
    first, _, out = done.stdout.partition(b"\n")
    peak, status = map(int, first.split())
    unit = 1 if sys.platform == "darwin" else 1024
    return peak * unit / MIB, status, out.decode(), done.stderr.decode()
