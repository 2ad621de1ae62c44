"""A Dask cluster as somebody starts it: its own commands, on loopback, ended by process id."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.command import clean_env

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WAIT_S = 60
_LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")
_WITHOUT_SITE = (sys.executable, "-S")  # where installed packages are, ours too
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
def dask_cluster(folder: Path, workers: int = 2, *, bare: int = 0, **env: str) -> Iterator[Cluster]:
    """Start a scheduler and workers of one thread each, and end them.

    Args:
        folder: Where they may write.
        workers: How many workers.
        bare: How many beside those that have Dask, and not this package.
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
            if bare:
                lacking = {"PYTHONPATH": str(_all_but_ours(folder / "packages"))}
                started += [
                    _start(
                        stack,
                        folder,
                        "worker",
                        "--scheduler-file",
                        told,
                        *options,
                        python=_WITHOUT_SITE,
                        **env | lacking,
                    )
                    for _ in range(bare)
                ]
            if started:
                client.wait_for_workers(len(started), timeout=_WAIT_S)
            yield Cluster(client.scheduler.address, scheduler, started, client)


def _start(
    stack: ExitStack,
    folder: Path,
    name: str,
    *args: object,
    python: Sequence[str] = (sys.executable,),
    **env: str,
) -> subprocess.Popen[bytes]:
    log = stack.enter_context((folder / f"{name}-{len(list(folder.iterdir()))}.log").open("wb"))
    process = subprocess.Popen(
        [*python, "-m", "dask", name, *_LOOPBACK, *map(str, args)],
        cwd=folder,
        env=clean_env(**_QUIET, **env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    stack.callback(_end, process)
    return process


def _all_but_ours(folder: Path) -> Path:
    """A folder with all packages of this environment but this one, however it was installed."""
    ours = {"events", "projections", "sync_queue", "worker"}
    folder.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.name not in ours and "syncstats" not in path.name:
            (folder / path.name).symlink_to(path)
    return folder


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_WAIT_S)
