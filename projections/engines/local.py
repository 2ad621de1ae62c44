"""A Dask cluster of this machine's processes, on loopback, that ends with its use."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WORTH_A_WORKER = 8 << 20
"""A worker is started for so many bytes of text at least."""
LOOPBACK = "127.0.0.1"
_PRELOAD = ("distributed", "distributed.nanny", "projections.engines.work")
# Forking a process that has loaded nothing but these is safe there, and workers need not load them
# one by one.
_METHOD = "forkserver" if sys.platform == "linux" else "spawn"


def load_ahead() -> None:
    """Let another process load what workers need, while this one does other things."""
    if _METHOD == "forkserver":
        from multiprocessing import forkserver

        forkserver.set_forkserver_preload([*_PRELOAD])
        forkserver.ensure_running()


@contextmanager
def local_cluster(work: int) -> Iterator[Any]:
    """Start a scheduler in this process, and workers of one thread each in others.

    No dashboard, and nothing that other machines can reach. Whoever can talk to a scheduler can
    have any code run, so another user of this machine must not: all parts show a certificate that
    is made for this cluster, and kept in memory.

    Args:
        work: How many bytes of text there are to read, about.

    Yields:
        A `distributed.LocalCluster`.
    """
    import dask
    from distributed import LocalCluster
    from distributed.security import Security

    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    settings: dict[str, Any] = {
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.worker.multiprocessing-method": _METHOD,
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=min(cores, max(1, -(-work // WORTH_A_WORKER))),
            threads_per_worker=1,  # the fold holds the GIL for the most part
            processes=True,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            protocol="tls://",
            security=Security.temporary(),
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,  # blocks are of bounded size
            silence_logs=logging.CRITICAL + 1,
        ) as cluster,
    ):
        yield cluster
