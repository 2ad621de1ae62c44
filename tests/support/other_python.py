"""Other Pythons, for what a process does to another one's files and locks."""

from __future__ import annotations

import contextlib
import stat
import subprocess
import sys
import textwrap


def mode_of(path):
    """The permissions of what stands there."""
    return stat.S_IMODE(path.stat().st_mode)


def python(code, *arguments, **options):
    """Run ``code`` in another Python; its standard output."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


@contextlib.contextmanager
def other_process(code, *arguments):
    """Another Python that runs ``code`` and has printed one line when the block begins."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()
