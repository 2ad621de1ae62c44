"""A process of which others are forked that run `syncstats`: each start costs almost nothing.

It has one thread, as nothing that is forked from tests that run beside each other could have, and
as root it has given up its privilege over permissions (which takes effect at exec only), and so
have its children. Requests are lines of JSON on standard input, and so are the answers.
"""

from __future__ import annotations

import faulthandler
import io
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
from functools import partial
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

import events
import projections
from projections.cli.main import main
from projections.ingest.keeping import Keeping
from tests.support.command import ROOT, clean_env
from tests.support.handlers import wait_until
from tests.support.privileges import as_permissions_say

if TYPE_CHECKING:
    from pathlib import Path

SAVE_EVERY_S = 0.1
"""So often the state is saved, instead of once a second: most of the tests' time would be that."""


class Nursery:
    """Starts processes that run `syncstats`, and tells how they ended."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.following.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=clean_env(),
            preexec_fn=as_permissions_say(),  # noqa: PLW1509 - made before any thread
        )

    def start(self, args: list[str], cwd: Path, notes: Path, most_open: int) -> int:
        """Start a process, and give its id.

        Args:
            args: What stands after ``syncstats``.
            cwd: Its current folder.
            notes: What its standard error is added to.
            most_open: How many descriptors it may have; 0: as many as usual.
        """
        pid: int = self._ask(args=args, cwd=str(cwd), notes=str(notes), most_open=most_open)
        return pid

    def status(self, pid: int) -> int | None:
        """The exit status of one that has ended, told once; None while it runs."""
        status: int | None = self._ask(ended=pid)
        return status

    def wait(self, pid: int, timeout_s: float = 60) -> int:
        """Return when a process has ended, with its status."""
        found: list[int] = []

        def has_ended() -> bool:
            status = self.status(pid)
            if status is not None:
                found.append(status)
            return bool(found)

        wait_until(has_ended, f"process {pid} ends", timeout_s)
        return found[0]

    def close(self) -> None:
        """End it, and all that it has started."""
        self._process.communicate()

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        return json.loads(answer)


def _serve() -> None:
    # A handler (what measures coverage has one) would be inherited, and Python forgets a signal
    # that comes to a child before it has cleaned up after the fork: the child would never end.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for package in (events, projections):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    defaults = Keeping.__init__.__kwdefaults__
    assert defaults is not None
    defaults["every_s"] = SAVE_EVERY_S
    children: set[int] = set()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "ended" in request:
            pid, status = os.waitpid(request["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
            children.discard(pid)
        else:
            answer = os.fork()
            if answer == 0:
                _run(partial(main, request["args"]), request)
            children.add(answer)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()
    for child in children:
        os.kill(child, signal.SIGKILL)


def _run(command: partial[int], request: dict[str, Any]) -> NoReturn:
    status = 70
    try:
        os.chdir(request["cwd"])
        nothing = os.open(os.devnull, os.O_RDWR)
        notes = os.open(request["notes"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number, file in enumerate((nothing, nothing, notes)):
            os.dup2(file, number)
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"))
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", buffering=0), write_through=True)
        most = request["most_open"]
        if most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        faulthandler.register(signal.SIGUSR1, all_threads=True)
        status = command()
    except BaseException:  # noqa: BLE001 - the child must not go on with the parent's loop
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    _serve()
