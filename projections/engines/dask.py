"""Replay on a Dask cluster: that of a scheduler, or one of this machine's own for the time.

Fold is the map, merge the reduction, in a tree. Dask runs a task again whose worker was lost, so
tasks return values and write nothing. `distributed` is imported only when this engine is used.

Source: Dask.distributed's documentation, "Client", "Resilience" (``retries``,
``distributed.scheduler.allowed-failures``), "Python API (advanced)" (``LocalCluster``).
"""

from __future__ import annotations

import logging
import queue
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from events.errors import SyncStatsError
from projections.engines.connecting import client_of
from projections.engines.local import local_cluster
from projections.engines.partial import empty, merge
from projections.engines.undisturbed import Undisturbed, undisturbed
from projections.engines.work import fold_again, fold_partition
from projections.engines.workers import refuse_unfit
from projections.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from projections.engines.partial import Partial
    from projections.engines.partitions import Partition
    from projections.engines.replaying import Engine
    from projections.engines.work import Again, Refolded

PACKAGES = ("dask", "distributed", "fsspec", "cryptography")
"""What the extra ``dask`` brings."""
RETRIES = 2
"""How often a task that failed is tried again; a lost worker's tasks beside that, as Dask does."""
SPLIT_EVERY = 8
"""So many results are merged by one task."""
LOOK_S = 5.0
_TALKATIVE = {"distributed", "asyncio", "tornado"}
_LOOKS = 12  # without any worker, then it is said


def is_installed() -> bool:
    """Whether the extra ``dask`` is there."""
    return all(find_spec(name) is not None for name in PACKAGES)


@contextmanager
def dask_engine(scheduler: str | None, work: int) -> Iterator[Engine]:
    """Use a cluster, and leave it.

    Args:
        scheduler: Its scheduler's address, as ``tcp://10.0.0.5:8786``; None: processes of this
            machine, on loopback and without a dashboard, which end with this.
        work: How many bytes of text there are to read, about.

    Raises:
        EngineError: No scheduler answers at that address, workers of it have not this syncstats, or
            no process can be started.
    """
    with _quiet(), Undisturbed() as stack:
        if scheduler is None:
            with undisturbed():
                client = stack.enter_context(client_of(stack.enter_context(local_cluster(work))))
        else:
            client = stack.enter_context(client_of(scheduler))
            refuse_unfit(client, scheduler)
        yield DaskEngine(client)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dask logs and warns of off stderr: what matters is raised."""
    import distributed  # noqa: F401 - it gives its loggers levels and handlers of their own

    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] in _TALKATIVE]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


class DaskEngine:
    """Works partitions on a cluster.

    Args:
        client: A `distributed.Client`, connected.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def workers(self) -> int:
        """How many threads the workers have now; as if there were four, before any has come."""
        return sum(self._client.nthreads().values()) or 4

    def fold(self, partitions: Sequence[Partition], done: Callable[[Partition], None]) -> Partial:
        """As of `Engine`."""
        if not partitions:
            return empty()
        level = self._map(fold_partition, partitions)
        waiting = {future.key: each for future, each in zip(level, partitions, strict=True)}
        ended = _Ended(level, self._client)
        while len(level) > 1:
            groups = [level[at : at + SPLIT_EVERY] for at in range(0, len(level), SPLIT_EVERY)]
            level = [
                self._client.submit(merge, group, retries=RETRIES, pure=False) for group in groups
            ]
        for future in ended:
            done(waiting[future.key])
        whole: Partial = self._results(level)[0]
        return whole

    def again(self, tasks: Sequence[Again]) -> list[Refolded]:
        """As of `Engine`."""
        return self._results(self._map(fold_again, tasks)) if tasks else []

    def _map(self, function: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
        futures: list[Any] = self._client.map(function, values, retries=RETRIES, pure=False)
        return futures

    def _results(self, futures: list[Any]) -> list[Any]:
        for _ in _Ended(futures, self._client):
            pass
        results: list[Any] = self._client.gather(futures)
        return results


class _Ended:
    """Gives futures as they end; raises what one of them failed with."""

    def __init__(self, futures: Sequence[Any], client: Any) -> None:
        self._left = len(futures)
        self._client = client
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for future in futures:
            future.add_done_callback(self._queue.put)

    def __iter__(self) -> Iterator[Any]:
        alone = 0
        while self._left:
            try:
                future = self._queue.get(timeout=LOOK_S)
            except queue.Empty:
                alone = 0 if self._client.nthreads() else alone + 1
                if alone >= _LOOKS:
                    raise EngineError(
                        f"the Dask scheduler has had no worker for {alone * LOOK_S:.0f} s: start "
                        "some (`dask worker ADDRESS`), in an environment that has syncstats"
                    ) from None
                continue
            self._left -= 1
            if future.status in {"error", "cancelled"}:  # "lost" after its end: it is made anew
                raise _failure(future)
            yield future


def _failure(future: Any) -> Exception:
    """What is said of a task that failed on every try."""
    from distributed import KilledWorker

    if future.status != "error":
        return EngineError(f"a task is {future.status}: has the Dask scheduler been stopped?")
    error: BaseException = future.exception()
    if isinstance(error, SyncStatsError):
        return error
    if isinstance(error, KilledWorker):
        return EngineError(
            "the same partition ended several workers, one after the other: is there memory enough "
            f"for them? Their logs tell more ({error})"
        )
    return EngineError(
        f"a worker cannot do it: {type(error).__name__}: {error} (each worker's environment needs "
        "the same syncstats, and the packages of the protocols that URLs name)"
    )
