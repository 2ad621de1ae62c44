"""Jobs in a queue, claimed and lost, for the tests of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_queue.jobs import LeasedJob, NewJob
from tests.support.dead_letters import NOON_US

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync_queue.queue import JobQueue

A, B = "nas-1-aaaa", "nas-1-bbbb"
"""Two streams."""
NOW = NOON_US
"""What the clock of the tests shows at first."""
SECOND = 1_000_000
"""In microseconds."""


def add(queue: JobQueue, count: int = 1, **fields: Any) -> list[int | None]:
    """Add so many jobs, of the scenes from 0 on: their ids."""
    return [queue.enqueue(NewJob(number, **fields)) for number in range(count)]


def lose(queue: JobQueue, stream: str = B, times: int = 1) -> None:
    """Claim what is due for a stream that dies, several times over."""
    for _ in range(times):
        queue.claim(stream, 0, 1000)
        queue.release_lost(stream)


def ids(jobs: Iterable[LeasedJob]) -> list[int]:
    return [job.id for job in jobs]


def pairs(jobs: Iterable[LeasedJob]) -> list[tuple[int, int]]:
    """Ids and attempts, as leases are given back by."""
    return [(job.id, job.attempt) for job in jobs]


def changed(job: LeasedJob, **changes: Any) -> LeasedJob:
    """The same job with other values."""
    return LeasedJob(
        *(changes.get(name, getattr(job, name)) for name in LeasedJob.__struct_fields__)
    )
