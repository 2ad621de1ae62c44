"""Run the command in a forked child: a process of its own for a twentieth of the price.

For tests of many calls, each of which might hang or change the process. What only a real start
shows (the interpreter's own flushing, the environment) is for `tests.support.command`.
"""

from __future__ import annotations

import io
import os
import pkgutil
import select
import signal
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import events
import projections
import sync_queue
import worker
from tests.support.command import Ran
from tests.support.forking import fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HANGS = -1
"""The status of a command that did not end in time, and was killed."""


def forked(
    *args: object,
    cwd: Path,
    stdin: bytes = b"",
    timeout_s: float = 60,
    before: Callable[[], object] = int,
) -> Ran:
    """Run `syncstats` with these arguments in a folder.

    Args:
        args: The arguments.
        cwd: Its current folder.
        stdin: What it reads.
        timeout_s: After so many seconds it is killed.
        before: Called in the child before the command.
    """
    _load_all()
    with ExitStack() as stack:
        given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        given.write(stdin)
        given.seek(0)
        ended, held = os.pipe()
        child = fork()
        if child == 0:
            os.close(ended)
            _run([str(arg) for arg in args], cwd, (given, out, err), before)
        os.close(held)
        try:  # all ends of the other side are closed when the child is gone
            in_time, _, _ = select.select([ended], [], [], timeout_s)
        finally:
            os.close(ended)
        if not in_time:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        told = [_content(file) for file in (out, err)]
    return Ran(os.waitstatus_to_exitcode(status) if in_time else HANGS, *told)


@cache
def _load_all() -> None:
    """Load what the commands load when they are called, once and not in each child."""
    for package in (events, projections, sync_queue, worker):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    for name in ("rich.live", "rich.progress", "rich.table"):
        import_module(name)


def _run(
    args: list[str],
    cwd: Path,
    streams: tuple[BinaryIO, BinaryIO, BinaryIO],
    before: Callable[[], object],
) -> NoReturn:
    status = 70
    try:
        os.chdir(cwd)
        for number, stream in enumerate(streams):
            os.dup2(stream.fileno(), number)
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"))
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", buffering=0), write_through=True)
        for name in [name for name in os.environ if name.startswith("SYNCSTATS_")]:
            del os.environ[name]
        sys.path.append(str(cwd))
        before()
        from projections.cli.main import main

        status = main(args)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 -- the child must not go on with the parent's tests
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


def _content(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()
