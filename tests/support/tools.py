"""Tools of the system that some tests need: found, or told.

On somebody's own machine a test whose tool is missing skips, and says what to install. On a
continuous integration machine (``CI=true``) it fails: there `.ci/run` installs them, and a test
that never runs would hold nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from typing import NoReturn

import pytest


def lack(what: str) -> NoReturn:
    """Skip the test for want of something, or fail it where that has to be there."""
    if os.environ.get("CI") == "true" and sys.platform.startswith("linux"):
        pytest.fail(f"{what}, and under CI=true no test may skip for that: see .ci/run")
    pytest.skip(what)


def tool(name: str, package: str) -> str:
    """The path of a command.

    Args:
        name: The command.
        package: The Debian package that has it.
    """
    path = shutil.which(name)
    return path if path is not None else lack(f"{name} is missing: apt install {package}")


def packages(*names: str) -> None:
    """Skip where Python packages are missing that only the extra ``dev`` brings."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        lack(f"{', '.join(missing)} is missing: pip install 'syncstats[dev]'")


def strace() -> str:
    """The path of strace, if this machine lets it trace."""
    path = tool("strace", "strace")
    if not _traces(path):
        lack("strace may not trace processes here (ptrace is not allowed)")
    return path


def needs_root() -> None:
    """Skip unless this is the superuser, under CI too: nobody has to be that."""
    if os.geteuid() != 0:
        pytest.skip("only the superuser can mount a file system")


@cache
def _traces(path: str) -> bool:
    done = subprocess.run(
        [path, "-qq", "-f", "-e", "trace=none", "true"], capture_output=True, check=False
    )
    return done.returncode == 0
