"""A Dask cluster of this machine's processes, on loopback, that ends with its use."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from projections.engines.undisturbed import deaf
from projections.errors import EngineError
from projections.parallel.cores import cores

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WORTH_A_WORKER = 8 << 20
"""A worker is started for so many bytes of text at least."""
LOOPBACK = "127.0.0.1"
_PRELOAD = ("distributed", "distributed.nanny", "projections.engines.work")
_SOCKET_BYTES = 75  # of a folder in which the name of a socket has room: 108 in all, on Linux
_END_S = 0.2
_ENVIRONMENT = {
    # multiprocessing starts its helpers by `python -c`, which looks for modules in the working
    # folder first; and a folder of logs may hold a `signal.py`.
    "PYTHONSAFEPATH": "1",
    # The helper that outlives a killed command would warn of it, on its terminal.
    "PYTHONWARNINGS": "ignore",
}


@contextmanager
def processes() -> Iterator[None]:
    """Have the processes of a local cluster started so that they get and say nothing of their own.

    They begin at once to load what workers need, while this process does other things.
    """
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        if _method() == "forkserver":
            _load_ahead()
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _method() -> str:
    """How workers are started.

    Forking a process that has loaded nothing but what they need is safe on Linux, and they need not
    load it one by one.
    """
    fits = len(os.fsencode(tempfile.gettempdir())) <= _SOCKET_BYTES
    return "forkserver" if sys.platform == "linux" and fits else "spawn"


def _load_ahead() -> None:
    from multiprocessing import forkserver, resource_tracker

    forkserver.set_forkserver_preload([*_PRELOAD])
    with deaf():
        resource_tracker.ensure_running()
    with deaf():  # again: starting the tracker lets Ctrl-C through
        forkserver.ensure_running()


@contextmanager
def local_cluster(work: int) -> Iterator[Any]:
    """Start a scheduler in this process, and workers of one thread each in others.

    No dashboard, and nothing that other machines can reach. Whoever can talk to a scheduler can
    have any code run, so another user of this machine must not: all parts show a certificate that
    is made for this cluster, and kept in memory; what they write goes to a folder of their own.

    Args:
        work: How many bytes of text there are to read, about.

    Yields:
        A `distributed.LocalCluster`.

    Raises:
        EngineError: It cannot be started.
    """
    import dask

    with (
        _loop() as loop,
        tempfile.TemporaryDirectory(prefix="syncstats-", ignore_cleanup_errors=True) as folder,
        dask.config.set(
            {
                "distributed.scheduler.http.routes": [],
                "distributed.worker.http.routes": [],
                "distributed.worker.multiprocessing-method": _method(),
                "temporary-directory": folder,
            }
        ),
        _start(work, loop) as cluster,
    ):
        try:
            yield cluster
        except BaseException:
            cluster.sync(_end, [*cluster.workers.values()])
            raise


def _start(work: int, loop: Any) -> Any:
    from distributed import LocalCluster
    from distributed.security import Security

    try:
        return LocalCluster(
            n_workers=min(cores(), max(1, -(-work // WORTH_A_WORKER))),
            threads_per_worker=1,  # the fold holds the GIL for the most part
            processes=True,
            loop=loop,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            protocol="tls://",
            security=Security.temporary(),
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,  # blocks are of bounded size
            silence_logs=logging.CRITICAL + 1,
        )
    except (OSError, RuntimeError) as error:
        raise EngineError(
            f"no processes for Dask can be started here ({type(error).__name__}: {error}); name a "
            "cluster with --scheduler, or replay without --engine"
        ) from error


@contextmanager
def _loop() -> Iterator[Any]:
    """A thread in which the cluster lives, and its processes are started."""
    from distributed.utils import LoopRunner

    runner = LoopRunner()
    with deaf():
        runner.start()
    try:
        yield runner.loop
    finally:
        runner.stop()


async def _end(nannies: Iterable[Any]) -> None:
    """End workers that are at work: what they would find is asked for by nobody any more."""
    import asyncio

    ends = (nanny.kill(timeout=_END_S) for nanny in nannies)
    await asyncio.gather(*ends, return_exceptions=True)
