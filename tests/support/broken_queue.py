"""Ways to break the rules of the queue: what it is told when, and which leases it ends."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import msgspec

from sync_queue.sql import read_queries
from tests.support.mutating import Changed, Late, everywhere, made_with
from worker.recorder import Recorder
from worker.takeover import TakeOver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def take_over_with(change: Callable[[Any], dict[str, Callable[..., Any]]]) -> Callable[[], Any]:
    """A take-over whose queue has other methods: ``change`` makes them from the queue."""

    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        return {"queue": Changed(given["queue"], **change(given["queue"]))}

    return lambda: made_with(TakeOver, changed)


def late_in_recorder(part: str, method: str) -> Callable[[], Any]:
    """A recorder that makes its calls of one method when it has done all else."""

    @contextmanager
    def on() -> Iterator[None]:
        commit = Recorder.commit
        parts: WeakKeyDictionary[Recorder, Late] = WeakKeyDictionary()

        def changed(self: Any, given: dict[str, Any]) -> dict[str, Any]:
            parts[self] = Late(given[part], method)
            return {part: parts[self]}

        def commit_late(self: Recorder, *, claim: int = 0) -> Any:
            claimed = commit(self, claim=claim)
            parts[self].flush()
            return claimed

        with made_with(Recorder, changed), patch.object(Recorder, "commit", commit_late):
            yield

    return on


@contextmanager
def dead_letter_after_queue() -> Iterator[None]:
    """Recorder and take-over store dead letters when the queue has been told."""

    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        queue, late = given["queue"], Late(given["letters"], "insert")

        def apply(*args: Any, **options: Any) -> Any:
            claimed = queue.apply(*args, **options)
            late.flush()
            return claimed

        return {"queue": Changed(queue, apply=apply), "letters": late}

    with late_in_recorder("letters", "insert")(), made_with(TakeOver, changed):
        yield


def release_first(queue: Any) -> dict[str, Callable[..., Any]]:
    """A queue that releases a stream's leases before it applies anything to them."""

    def apply(stream: str, *args: Any, **options: Any) -> Any:
        queue.release_lost(stream)
        return queue.apply(stream, *args, **options)

    return {"apply": apply}


def keep_leases(_: Any) -> dict[str, Callable[..., Any]]:
    """A queue that releases no lease of a dead stream."""
    return {"release_lost": lambda _stream: 0}


def keep_lease_seq(queue: Any) -> dict[str, Callable[..., Any]]:
    """A queue that gives a lease to another stream with the seq that it had."""

    def take_over(job_id: int, attempt: int, old: str, new: str, _next_seq: int) -> Any:
        seqs = {job.id: job.lease_seq for job in queue.leases(old)}
        return queue.take_over(job_id, attempt, old, new, seqs.get(job_id, 0))

    return {"take_over": take_over}


def _forget_lease_seq(queue: Any) -> dict[str, Callable[..., Any]]:
    def leases(stream: str) -> Any:
        return [msgspec.structs.replace(job, lease_seq=0) for job in queue.leases(stream)]

    return {"leases": leases}


def queries_with(old: str, new: str) -> Callable[[], Any]:
    """A queue with some words of its statements changed."""

    def changed(name: str) -> dict[str, str]:
        texts = {key: text.replace(old, new) for key, text in read_queries(name).items()}
        if name == "queue" and texts == read_queries(name):
            raise AssertionError(f"no statement of the queue says {old!r} any more")
        return texts

    return lambda: everywhere(read_queries, changed)


@contextmanager
def lease_seq_ignored() -> Iterator[None]:
    """Neither statements nor a take-over look at which seq a lease began."""
    with (
        queries_with("lease_seq <= ?", "coalesce(?, 0) >= 0")(),
        take_over_with(_forget_lease_seq)(),
    ):
        yield
