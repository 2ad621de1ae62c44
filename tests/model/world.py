"""The worlds of the protocol's model, and what one atomic action makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Limits(NamedTuple):
    """How large a world is, which reading of the protocol it follows, and what is broken in it.

    Attributes:
        workers: As many as streams.
        jobs: Enqueued at the start, and again when the queue was lost.
        attempts: Tries of a job, a lost one among them; not as code.
        crashes: Kills, power failures, graceful stops and lost queues, together.
        queues: How often the queue may be lost.
        as_code: Follow the code's steps, which are finer; see `tests.model.protocol`.
        losses: As code: the loss that ends a job.
        retries: As code: how many failures of a job may be recorded before its last.
        stale: As code: what a worker or runner acts on may be older than the step itself.
        broken: Mutations of the protocol, of `tests.model.protocol.BREAKS`.
    """

    workers: int = 2
    jobs: int = 1
    attempts: int = 2
    crashes: int = 2
    queues: int = 1
    as_code: bool = False
    losses: int = 2
    retries: int = 1
    stale: bool = False
    broken: frozenset[str] = frozenset()


class Outcome(NamedTuple):
    """A line of the log that counts; ``queue``: how often the queue had been made anew."""

    job: int
    attempt: int
    terminal: bool
    ok: bool
    queue: int

    @property
    def is_dead(self) -> bool:
        """Whether it makes a dead letter."""
        return self.terminal and not self.ok


class Job(NamedTuple):
    """A row of the queue: ``waiting``, ``leased`` or ``gone``. The last two are as code only."""

    state: str = "waiting"
    attempt: int = 0
    stream: int = -1
    lease_seq: int = 0
    losses: int = 0
    failures: int = 0


class Stream(NamedTuple):
    """A log, how many of its outcomes are on disk, and the worker that holds its lock."""

    log: tuple[Outcome, ...] = ()
    durable: int = 0
    holder: int = -1


class Worker(NamedTuple):
    """Where a worker is; its own stream, the one that it recovers, and what it has at hand."""

    pc: str = "down"
    stream: int = -1
    target: int = -1
    claim: tuple[int, int] | None = None
    outcome: Outcome | None = None


class World(NamedTuple):
    """All that there is. No rule of the protocol may look at ``queue``.

    Attributes:
        jobs: The queue.
        streams: The logs.
        workers: The processes.
        letters: Dead letters: stream, seq, job.
        applied: Whose effect the queue has seen: job, attempt, queue.
        saved: For each stream, how many of its outcomes ``stats.json`` covers.
        crashes: How many there were.
        queue: How often the queue was made anew.
    """

    jobs: tuple[Job, ...]
    streams: tuple[Stream, ...]
    workers: tuple[Worker, ...]
    letters: frozenset[tuple[int, int, int]] = frozenset()
    applied: frozenset[tuple[int, int, int]] = frozenset()
    saved: tuple[int, ...] = ()
    crashes: int = 0
    queue: int = 0


def beginning(limits: Limits) -> World:
    """All jobs wait, all logs are empty, nobody works."""
    streams = (Stream(),) * limits.workers
    workers = (Worker(),) * limits.workers
    return World((Job(),) * limits.jobs, streams, workers, saved=(0,) * limits.workers)


def swap(items: tuple[T, ...], i: int, item: T) -> tuple[T, ...]:
    """The items with another one at ``i``."""
    return (*items[:i], item, *items[i + 1 :])


def at(world: World, w: int, worker: Worker) -> World:
    """Worker ``w`` goes on to where ``worker`` says."""
    return world._replace(workers=swap(world.workers, w, worker))


def with_job(world: World, j: int, job: Job) -> World:
    """Row ``j`` of the queue becomes ``job``."""
    return world._replace(jobs=swap(world.jobs, j, job))


def lock(world: World, s: int, w: int) -> World:
    """Worker ``w`` holds the lock of stream ``s``; -1: nobody does."""
    return world._replace(streams=swap(world.streams, s, world.streams[s]._replace(holder=w)))


def sync(world: World, s: int) -> World:
    """All of a log is on disk."""
    stream = world.streams[s]
    return world._replace(streams=swap(world.streams, s, stream._replace(durable=len(stream.log))))


def kill(world: World, w: int) -> World:
    """Worker ``w`` is gone, and the kernel frees its locks."""
    streams = tuple(s._replace(holder=-1) if s.holder == w else s for s in world.streams)
    return world._replace(workers=swap(world.workers, w, Worker()), streams=streams)


def power_cuts(world: World, s: int = 0) -> Iterator[World]:
    """What a power failure can leave: of each log any prefix of what was not synced."""
    if s == len(world.streams):
        yield world
        return
    stream = world.streams[s]
    for left in range(stream.durable, len(stream.log) + 1):
        cut = stream._replace(log=stream.log[:left], durable=left)
        yield from power_cuts(world._replace(streams=swap(world.streams, s, cut)), s + 1)


def holds(world: World, s: int, outcome: Outcome) -> bool:
    """Whether the outcome is about a lease of stream ``s`` that still is."""
    job = world.jobs[outcome.job]
    return (job.state, job.stream, job.attempt) == ("leased", s, outcome.attempt)


def end_lease(world: World, s: int, seq: int, outcome: Outcome, limits: Limits) -> World:
    """The queue applies an outcome of stream ``s``; one that is of no lease changes nothing."""
    job = world.jobs[outcome.job]
    is_old = seq < job.lease_seq and "no-lease-seq" not in limits.broken
    if is_old or not holds(world, s, outcome):
        return world
    if outcome.terminal:
        after = Job("gone", outcome.attempt)
    else:
        after = Job("waiting", outcome.attempt, failures=job.failures + limits.as_code)
    seen = world.applied | {(outcome.job, outcome.attempt, world.queue)}
    return with_job(world, outcome.job, after)._replace(applied=seen)


def release(world: World, s: int, limits: Limits) -> World:
    """Whatever stream ``s`` still holds waits again; as code, each is charged with a loss."""
    jobs = tuple(
        job._replace(state="waiting", stream=-1, losses=job.losses + limits.as_code)
        if job.state == "leased" and job.stream == s
        else job
        for job in world.jobs
    )
    return world._replace(jobs=jobs)


def unseen(world: World, s: int, limits: Limits) -> tuple[int, Outcome] | None:
    """The first outcome in log ``s`` that the queue still waits for."""
    for seq, outcome in enumerate(world.streams[s].log):
        is_old = seq < world.jobs[outcome.job].lease_seq and "no-lease-seq" not in limits.broken
        if holds(world, s, outcome) and not is_old:
            return seq, outcome
    return None


def lost_for_good(world: World, s: int, limits: Limits) -> int | None:
    """A job that stream ``s`` held when its worker died, and that is not to run again."""
    for j, job in enumerate(world.jobs):
        used, most = (
            (job.losses + 1, limits.losses) if limits.as_code else (job.attempt, limits.attempts)
        )
        if job.state == "leased" and job.stream == s and used >= most:
            return j
    return None


def orphans(world: World) -> list[int]:
    """The streams that hold leases, and that nobody writes to."""
    leased = {job.stream for job in world.jobs if job.state == "leased"}
    return [s for s, stream in enumerate(world.streams) if stream.holder < 0 and s in leased]
