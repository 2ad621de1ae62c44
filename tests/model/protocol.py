"""The protocol, "log first, then acknowledge", as a model that can be run: its steps.

Workers claim jobs under a lease that belongs to a stream, append outcomes, sync, insert the dead
letter, apply to the queue. Any process may be killed at any step, the power may fail (of what was
not synced any prefix is left), and the queue's file may be lost and made anew while the log is
kept. Each step is one atomic action: one system call, or one SQLite transaction.

There are two readings, see `tests.model.world.Limits`. The design's counts tries, and lets a
take-over go from one stream to the next in one step. The code's is finer, and the code is held to
it (`tests.support.conformance`): a death is a loss and a recorded failure is a failure, counted
apart; a stream is released before the next is locked, and in between it may turn out that there is
none; a take-over keeps its lock while it records a lost job; what runs at a stop may be released
with its attempt used, and the stream's lock a moment later; stats may be saved of what was read
before the disk had more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.model.world import (
    Job,
    Outcome,
    Worker,
    World,
    at,
    end_lease,
    kill,
    lock,
    lost_for_good,
    orphans,
    power_cuts,
    release,
    swap,
    sync,
    unseen,
    with_job,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.model.world import Limits

BREAKS = {
    "ack-first": "apply to the queue before the outcome is on disk",
    "queue-before-dead-letter": "apply to the queue, then insert the dead letter",
    "release-before-apply": "take-over releases leases before it applies the outcomes in the log",
    "leases-kept": "take-over does not release what is still leased",
    "no-sync-at-takeover": "take-over applies outcomes that it has not synced",
    "lease-by-clock": "a lease may be released while its worker lives",
    "no-lease-seq": "an outcome is matched by (id, attempt, stream) alone",
    "lost-lease-not-moved": "a lease that is taken over keeps the lease_seq of the dead stream",
    "snapshot-unsynced": "stats.json is saved before the segments that it covers are synced",
    "no-worker-lost": "a job that was lost at its last try is only released",
    "attempt-not-raised": "a claim does not raise the attempt",
}
"""Mutations of the protocol, each of which breaks a promise in a small world."""

RUNNER = -1
"""The actor that keeps ``stats.json``; workers are 0, 1, …"""
FAULT = -2
"""What is nobody's own step: a kill, a power failure, a lost queue."""


class Step(NamedTuple):
    """Who does what, and the world after it."""

    actor: int
    name: str
    after: World


def steps(world: World, limits: Limits) -> Iterator[Step]:
    """Everything that can happen next."""
    for w in range(len(world.workers)):
        yield from worker_steps(world, w, limits)
    yield from runner_steps(world, limits)
    if world.crashes < limits.crashes:
        yield from faults(world, limits)


def worker_steps(world: World, w: int, limits: Limits) -> Iterator[Step]:
    """What worker ``w`` can do next."""
    pc = world.workers[w].pc
    if pc == "down":
        found = _start(world, w, limits)
    elif pc in _RECOVERING:
        found = _RECOVERING[pc](world, w, limits)
    elif pc == "idle":
        found = _look_for_work(world, w, limits)
    elif pc == "claimed":
        found = _run(world, w, limits)
    elif pc == "stopping":
        found = iter([("ends", kill(world, w))])
    else:
        found = _record(world, w, limits)
    for name, after in found:
        yield Step(w, f"worker {w} {name}", after)


def runner_steps(world: World, limits: Limits) -> Iterator[Step]:
    """What whoever keeps ``stats.json`` can do next: sync a log, save what is on disk."""
    for s, stream in enumerate(world.streams):
        end = len(stream.log) if "snapshot-unsynced" in limits.broken else stream.durable
        least = world.saved[s] + 1
        for n in range(least if limits.stale else max(least, end), end + 1):
            after = world._replace(saved=swap(world.saved, s, n))
            yield Step(RUNNER, f"save stats to {s}:{n}", after)
        if stream.durable < len(stream.log):
            yield Step(RUNNER, f"runner syncs {s}", sync(world, s))


def faults(world: World, limits: Limits) -> Iterator[Step]:
    """Kills, power failures, and the loss of the queue's file."""
    down = struck = world._replace(crashes=world.crashes + 1)
    for w, worker in enumerate(world.workers):
        if worker.pc != "down":
            yield Step(FAULT, f"kill worker {w}", kill(struck, w))
        down = kill(down, w)
    for cut in power_cuts(down):
        yield Step(FAULT, "power fails", cut)
    if world.queue < limits.queues:
        jobs = (Job(),) * len(world.jobs)
        anew = down._replace(jobs=jobs, queue=world.queue + 1)
        yield Step(FAULT, "all end, the queue is lost and filled anew", anew)


def _start(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    if _is_taken_over(world, limits):
        return
    free = _free(world)
    for s in free if limits.stale else free[:1]:  # the ones before may have been held a moment ago
        yield f"starts, locks {s}", at(lock(world, s, w), w, Worker("recover-sync", s, s))


def _free(world: World) -> list[int]:
    """The streams that nobody writes to."""
    return [s for s, stream in enumerate(world.streams) if stream.holder < 0]


def _is_taken_over(world: World, limits: Limits) -> bool:
    """Whether somebody holds the one lock that serialises take-overs."""
    return any(
        worker.pc in _RECOVERING or (limits.as_code and worker.target >= 0)
        for worker in world.workers
    )


def _sync_target(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    worker = world.workers[w]
    after = world if "no-sync-at-takeover" in limits.broken else sync(world, worker.target)
    yield f"syncs {worker.target}", at(after, w, worker._replace(pc="recover"))


def _settle(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    """Apply what the queue has not seen, end what is lost for good, release the rest."""
    worker = world.workers[w]
    target = worker.target
    found = None if "release-before-apply" in limits.broken else unseen(world, target, limits)
    if found is not None:
        seq, outcome = found
        is_told = worker.pc == "recover-lettered" or "queue-before-dead-letter" in limits.broken
        if outcome.is_dead and not is_told:
            after = at(world, w, worker._replace(pc="recover-lettered"))
            letters = world.letters | {(target, seq, outcome.job)}
            yield f"inserts the dead letter {target}:{seq}", after._replace(letters=letters)
        else:
            after = at(world, w, worker._replace(pc="recover"))
            yield f"applies {target}:{seq}", end_lease(after, target, seq, outcome, limits)
        return
    lost = lost_for_good(world, target, limits)
    if lost is None or "no-worker-lost" in limits.broken:
        yield from _release(world, w, limits)
        return
    job = world.jobs[lost]
    moved = job._replace(stream=worker.stream)
    if "lost-lease-not-moved" not in limits.broken:
        moved = moved._replace(lease_seq=len(world.streams[worker.stream].log))
    outcome = Outcome(lost, job.attempt, terminal=True, ok=False, queue=world.queue)
    after = at(world, w, Worker("ran", worker.stream, target, outcome=outcome))
    yield f"takes over the lease of {lost} (lost)", with_job(after, lost, moved)


def _release(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    own, target = world.workers[w].stream, world.workers[w].target
    others = [s for s in orphans(world) if s != target]
    after = world if "leases-kept" in limits.broken else release(world, target, limits)
    if target != own:
        after = lock(after, target, -1)
    name = f"releases leases of {target}"
    if limits.as_code:
        yield name, at(after, w, Worker("recover-next", own, target))
    elif others:
        after = at(lock(after, others[0], w), w, Worker("recover-sync", own, others[0]))
        yield f"{name}, locks {others[0]}", after
    else:
        yield name, at(after, w, Worker("idle", own))


def _go_on(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    """To the next stream in the order of their names, or to work."""
    own, last = world.workers[w].stream, world.workers[w].target
    found = orphans(world)
    if limits.stale:  # it held leases when they were listed; or its end is torn
        found = _free(world)
    if last != own:
        found = [s for s in found if s > last]
    for s in found if limits.stale else found[:1]:
        yield f"locks {s}", at(lock(world, s, w), w, Worker("recover-sync", own, s))
    if limits.stale or not found:
        yield "is idle", at(world, w, Worker("idle", own))


def _look_for_work(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    """Claim a job; with none there, see to the streams of the dead."""
    own = world.workers[w].stream
    waiting = [j for j, job in enumerate(world.jobs) if _may_run(job, limits)]
    for j in waiting:
        job = world.jobs[j]
        attempt = job.attempt + ("attempt-not-raised" not in limits.broken)
        leased = job._replace(
            state="leased", attempt=attempt, stream=own, lease_seq=len(world.streams[own].log)
        )
        after = at(world, w, Worker("claimed", own, claim=(j, attempt)))
        yield f"claims {j}", with_job(after, j, leased)
    if "lease-by-clock" in limits.broken:
        for j, job in enumerate(world.jobs):
            if job.state == "leased" and job.stream != own:
                freed = job._replace(state="waiting", stream=-1)
                yield f"lets the lease of {j} expire", with_job(world, j, freed)
    if (waiting and not limits.stale) or _is_taken_over(world, limits):
        return
    for s in _free(world) if limits.stale else orphans(world)[:1]:  # as listed a moment ago
        yield f"is idle, locks {s}", at(lock(world, s, w), w, Worker("recover-sync", own, s))


def _may_run(job: Job, limits: Limits) -> bool:
    return job.state == "waiting" and (limits.as_code or job.attempt < limits.attempts)


def _run(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    """The handler ends, or a graceful stop comes first."""
    own, claim = world.workers[w].stream, world.workers[w].claim
    if claim is None:
        raise AssertionError
    j, attempt = claim
    job = world.jobs[j]
    if world.crashes < limits.crashes:
        stopped = world._replace(crashes=world.crashes + 1)
        stopped = at(stopped, w, Worker("stopping", own)) if limits.as_code else kill(stopped, w)
        back = job._replace(state="waiting", attempt=attempt - 1, stream=-1, lease_seq=0)
        yield f"stops, gives {j} back", with_job(stopped, j, back)
        if limits.as_code:
            used = back._replace(attempt=attempt)
            yield f"stops, interrupts {j}", with_job(stopped, j, used)
    used_up = job.failures >= limits.retries if limits.as_code else attempt >= limits.attempts
    pc = "early" if "ack-first" in limits.broken else "ran"
    for how, (terminal, ok) in HOWS.items():
        if terminal or not used_up:
            outcome = Outcome(j, attempt, terminal, ok, world.queue)
            yield f"runs {j}: {how}", at(world, w, Worker(pc, own, outcome=outcome))


HOWS = {"success": (True, True), "dead": (True, False), "retry": (False, False)}
"""How an attempt ends: whether that is the job's end, and whether a good one."""


def _record(world: World, w: int, limits: Limits) -> Iterator[tuple[str, World]]:
    """Append, sync, insert the dead letter, apply: no other order is used anywhere."""
    worker = world.workers[w]
    own, outcome = worker.stream, worker.outcome
    if outcome is None:
        raise AssertionError
    stream = world.streams[own]
    seq = len(stream.log) - 1
    lettered = world.letters | {(own, seq, outcome.job)} if outcome.is_dead else world.letters
    resumed = Worker("idle", own) if worker.target < 0 else Worker("recover", own, worker.target)
    pc = worker.pc
    if pc == "early":
        after = at(world, w, worker._replace(pc="ran"))
        yield "applies first", end_lease(after, own, seq + 1, outcome, limits)
    elif pc == "ran":
        longer = stream._replace(log=(*stream.log, outcome))
        after = at(world, w, worker._replace(pc="appended"))
        yield f"appends to {own}", after._replace(streams=swap(after.streams, own, longer))
    elif pc == "appended":
        yield f"syncs {own}", at(sync(world, own), w, worker._replace(pc="synced"))
    elif pc == "synced" and "queue-before-dead-letter" in limits.broken:
        after = at(world, w, worker._replace(pc="letter-late"))
        yield "applies", end_lease(after, own, seq, outcome, limits)
    elif pc == "synced":
        after = at(world, w, worker._replace(pc="lettered"))
        yield "inserts the dead letter", after._replace(letters=lettered)
    elif pc == "letter-late":
        yield "inserts the dead letter late", at(world, w, resumed)._replace(letters=lettered)
    else:
        yield "applies", end_lease(at(world, w, resumed), own, seq, outcome, limits)


_RECOVERING = {
    "recover-sync": _sync_target,
    "recover": _settle,
    "recover-lettered": _settle,
    "recover-next": _go_on,
}
