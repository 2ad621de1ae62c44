"""A Dask cluster as somebody starts it: its own commands, on loopback, ended by process id."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.command import clean_env

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WAIT_S = 60
_LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
_QUIET = {"DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES": "[]"}


class Cluster:
    """A scheduler and its workers.

    Args:
        address: The scheduler's address.
        scheduler: Its process.
        workers: The workers' processes.
        client: A `distributed.Client` of it.
    """

    def __init__(
        self,
        address: str,
        scheduler: subprocess.Popen[bytes],
        workers: list[subprocess.Popen[bytes]],
        client: Any,
    ) -> None:
        self.address = address
        self.scheduler = scheduler
        self.workers = workers
        self.client = client

    def kill(self, number: int) -> None:
        """End a worker at once; nobody starts it again."""
        self.workers[number].kill()
        self.workers[number].wait(_WAIT_S)

    def stop(self) -> None:
        """Close the client, and end the scheduler at once."""
        self.client.close()
        self.scheduler.kill()
        self.scheduler.wait(_WAIT_S)


@contextmanager
def dask_cluster(folder: Path, workers: int = 2, **env: str) -> Iterator[Cluster]:
    """Start a scheduler and workers of one thread each, and end them.

    Args:
        folder: Where they may write.
        workers: How many workers.
        env: What their environment has beside this process's.
    """
    from distributed import Client

    told = folder / "scheduler.json"
    with ExitStack() as stack:
        scheduler = _start(
            stack, folder, "scheduler", "--port", "0", "--scheduler-file", told, **env
        )
        with Client(scheduler_file=str(told), timeout=_WAIT_S, set_as_default=False) as client:
            options = (
                "--nthreads",
                "1",
                "--no-nanny",
                "--no-dashboard",
                "--local-directory",
                folder,
            )
            started = [
                _start(stack, folder, "worker", "--scheduler-file", told, *options, **env)
                for _ in range(workers)
            ]
            if workers:
                client.wait_for_workers(workers, timeout=_WAIT_S)
            yield Cluster(client.scheduler.address, scheduler, started, client)


def _start(
    stack: ExitStack, folder: Path, name: str, *args: object, **env: str
) -> subprocess.Popen[bytes]:
    log = stack.enter_context((folder / f"{name}-{len(list(folder.iterdir()))}.log").open("wb"))
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", name, *_LOOPBACK, *map(str, args)],
        cwd=folder,
        env=clean_env(**_QUIET, **env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_WAIT_S)
