"""Ways to break the protocol from outside, one rule each: what the tests must notice.

The product has no switch for any of them. Each is a context manager that replaces parts of it by
their public names; workers, runners and queues that are made inside it are broken.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

import msgspec

from events.log.owner import owns
from events.log.recovery import recover
from events.log.segment import Segment, list_segments
from events.log.stream import LOCK_NAME
from events.log.writer import StreamWriter
from projections.log_view import LogView
from projections.seqs import SeqSet
from projections.store import SnapshotStore
from sync_queue.sql import read_queries
from tests.support.mutating import Changed, Late, everywhere, made_with
from worker.recorder import Recorder
from worker.takeover import TakeOver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


@dataclass(frozen=True)
class Mutation:
    """A rule that is broken while `on` is entered.

    Attributes:
        name: What it is called.
        breaks: What is done instead of the rule.
        on: Breaks it.
    """

    name: str
    breaks: str
    on: Callable[[], AbstractContextManager[object]]


def _take_over_with(change: Callable[[Any], dict[str, Callable[..., Any]]]) -> Callable[[], Any]:
    """A take-over whose queue has other methods: ``change`` makes them from the queue."""

    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        return {"queue": Changed(given["queue"], **change(given["queue"]))}

    return lambda: made_with(TakeOver, changed)


def _late_in_recorder(part: str, method: str) -> Callable[[], Any]:
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
def _dead_letter_after_queue() -> Iterator[None]:
    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        queue, late = given["queue"], Late(given["letters"], "insert")

        def apply(*args: Any, **options: Any) -> Any:
            claimed = queue.apply(*args, **options)
            late.flush()
            return claimed

        return {"queue": Changed(queue, apply=apply), "letters": late}

    with _late_in_recorder("letters", "insert")(), made_with(TakeOver, changed):
        yield


def _release_first(queue: Any) -> dict[str, Callable[..., Any]]:
    def apply(stream: str, *args: Any, **options: Any) -> Any:
        queue.release_lost(stream)
        return queue.apply(stream, *args, **options)

    return {"apply": apply}


def _keep_leases(_: Any) -> dict[str, Callable[..., Any]]:
    return {"release_lost": lambda _stream: 0}


def _keep_lease_seq(queue: Any) -> dict[str, Callable[..., Any]]:
    def take_over(job_id: int, attempt: int, old: str, new: str, _next_seq: int) -> Any:
        seqs = {job.id: job.lease_seq for job in queue.leases(old)}
        return queue.take_over(job_id, attempt, old, new, seqs.get(job_id, 0))

    return {"take_over": take_over}


def _forget_lease_seq(queue: Any) -> dict[str, Callable[..., Any]]:
    def leases(stream: str) -> Any:
        return [msgspec.structs.replace(job, lease_seq=0) for job in queue.leases(stream)]

    return {"leases": leases}


def _sql(old: str, new: str) -> Callable[[], Any]:
    """A queue with some words of its statements changed."""

    def changed(name: str) -> dict[str, str]:
        texts = {key: text.replace(old, new) for key, text in read_queries(name).items()}
        if name == "queue" and texts == read_queries(name):
            raise AssertionError(f"no statement of the queue says {old!r} any more")
        return texts

    return lambda: everywhere(read_queries, changed)


@contextmanager
def _lease_seq_ignored() -> Iterator[None]:
    with (
        _sql("lease_seq <= ?", "coalesce(?, 0) >= 0")(),
        _take_over_with(_forget_lease_seq)(),
    ):
        yield


def _do_nothing(*_: object) -> None:
    """Stands for a call that is left out."""


def _recover_with(*methods: str) -> Callable[[], Any]:
    """A recovery in which some methods of the file system do nothing."""

    def careless(folder: Path, fs: Any, *more: Any) -> Any:
        found = recover(folder, Changed(fs, **dict.fromkeys(methods, _do_nothing)), *more)
        if found.tail is None:
            return found
        # What stands there is gone on with, whatever its end is.
        size = fs.size(list_segments(folder, fs)[-1].path)
        return replace(found, tail=(found.tail[0], size), torn=None)

    return lambda: everywhere(recover, careless)


def _owns_all(folder: Path, fs: Any, _boot_id: str) -> bool:
    return bool(fs.is_folder(folder))


def _locks_ignored() -> Any:
    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        fs = given["fs"]

        def try_lock(path: Path) -> Any:
            lock = fs.try_lock(path)
            return ExitStack() if lock is None and path.name == LOCK_NAME else lock

        return {"fs": Changed(fs, try_lock=try_lock)}

    return made_with(TakeOver, changed)


def _stats_in_place() -> Any:
    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        fs = given["fs"]

        def overwrite(path: Path, data: bytes, **_: Any) -> None:
            with suppress(FileNotFoundError):
                fs.truncate(path, 0)
            with fs.open_append(path) as file:
                file.write(data[: len(data) // 2])
                file.write(data[len(data) // 2 :])
                file.sync()

        return {"fs": Changed(fs, replace_file=overwrite)}

    return made_with(SnapshotStore, changed)


def _syncs_nothing(_view: LogView) -> None:
    """A view of the log that believes it to be on the disk."""


@contextmanager
def _join_left_out() -> Iterator[None]:
    """Whoever has saved once takes what stands in the file for what it has saved itself."""
    own: WeakKeyDictionary[SnapshotStore, bytes] = WeakKeyDictionary()
    read, put = SnapshotStore.read, SnapshotStore.replace

    def read_own(self: SnapshotStore) -> bytes | None:
        return own.get(self) or read(self)

    def remember(self: SnapshotStore, data: bytes) -> None:
        put(self, data)
        own[self] = data

    with (
        patch.object(SnapshotStore, "read", read_own),
        patch.object(SnapshotStore, "replace", remember),
    ):
        yield


def _failed_sync_believed() -> Any:
    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        fs = given["fs"]

        def open_append(path: Path) -> Any:
            file = fs.open_append(path)

            def sync() -> None:
                with suppress(OSError):
                    file.sync()

            return Changed(file, sync=sync)

        return {"fs": Changed(fs, open_append=open_append)}

    return made_with(StreamWriter, changed)


def _seq_not_checked() -> Any:
    add = SeqSet.add

    def add_always(self: SeqSet, seq: int) -> bool:
        add(self, seq)
        return True

    return patch.object(SeqSet, "add", add_always)


def _list_all(folder: Path, fs: Any) -> list[Segment]:
    found = []
    for name in fs.list_folder(folder):
        only = Changed(fs, list_folder=lambda _, name=name: [name])
        found += list_segments(folder, only)
    return sorted(found, key=lambda segment: segment.first_seq)


_ALL = [
    Mutation(
        "acknowledge-first",
        "the queue hears of an outcome before it is on the disk",
        _late_in_recorder("emitter", "commit"),
    ),
    Mutation(
        "dead-letter-after-queue",
        "the queue hears of an outcome before the dead letter is stored",
        _dead_letter_after_queue,
    ),
    Mutation(
        "no-tail-repair",
        "a torn last line stays, and the next one is glued to it",
        _recover_with("truncate"),
    ),
    Mutation(
        "no-sync-at-takeover",
        "a take-over believes what a log shows without bringing it to the disk",
        _recover_with("write_again", "sync_file"),
    ),
    Mutation(
        "release-before-apply",
        "a take-over releases leases before it applies what the log says of them",
        _take_over_with(_release_first),
    ),
    Mutation(
        "leases-kept",
        "a take-over does not release what is still leased",
        _take_over_with(_keep_leases),
    ),
    Mutation(
        "locks-ignored",
        "a take-over takes a stream whose worker lives",
        _locks_ignored,
    ),
    Mutation(
        "lease-seq-ignored",
        "an outcome older than the lease ends it",
        _lease_seq_ignored,
    ),
    Mutation(
        "lost-lease-not-moved",
        "a lease that is taken over keeps the seq of the dead stream",
        _take_over_with(_keep_lease_seq),
    ),
    Mutation(
        "worker-lost-never",
        "a job that kills its worker is released for ever",
        lambda: patch("worker.takeover.MAX_LOSSES", 10**9),
    ),
    Mutation(
        "attempt-not-raised",
        "two runs of a job have the same attempt",
        _sql("attempt + 1", "max(attempt, 1)"),
    ),
    Mutation(
        "owner-ignored",
        "a copied stream is written on",
        lambda: everywhere(owns, _owns_all),
    ),
    Mutation(
        "stats-in-place",
        "stats.json is overwritten where it stands",
        _stats_in_place,
    ),
    Mutation(
        "snapshot-ahead-of-sync",
        "stats.json covers lines that are not on the disk",
        lambda: patch.object(LogView, "sync", _syncs_nothing),
    ),
    Mutation(
        "join-left-out",
        "a runner saves without taking over what another has saved",
        _join_left_out,
    ),
    Mutation(
        "failed-sync-believed",
        "an outcome counts as durable though its sync failed",
        _failed_sync_believed,
    ),
    Mutation(
        "seq-not-checked-in-fold",
        "a line that is seen again counts again",
        _seq_not_checked,
    ),
    Mutation(
        "plain-and-compressed-both-read",
        "a segment is read beside its compressed twin",
        lambda: everywhere(list_segments, _list_all),
    ),
]
MUTATIONS: dict[str, Mutation] = {mutation.name: mutation for mutation in _ALL}

_CONFORMANCE = "tests/properties/test_conformance.py"
_WAY = f"{_CONFORMANCE}::test_the_code_goes_each_way_to_a_broken_promise_as_far_as_it_may"
_TAKE_OVER = "tests/unit/worker/test_takeover.py"

CAUGHT_BY: dict[str, str] = {
    "acknowledge-first": f"{_WAY}[ack-first]",
    "dead-letter-after-queue": f"{_WAY}[queue-before-dead-letter]",
    "no-tail-repair": f"{_TAKE_OVER}::test_a_torn_line_of_any_dead_stream_is_cut_aside",
    "no-sync-at-takeover": f"{_WAY}[no-sync-at-takeover]",
    "release-before-apply": f"{_WAY}[release-before-apply]",
    "leases-kept": f"{_WAY}[leases-kept]",
    "locks-ignored": f"{_TAKE_OVER}::test_the_stream_of_a_live_worker_is_left_alone",
    "lease-seq-ignored": f"{_WAY}[no-lease-seq]",
    "lost-lease-not-moved": f"{_WAY}[lost-lease-not-moved]",
    "worker-lost-never": f"{_TAKE_OVER}::test_the_third_loss_ends_a_job_as_worker_lost",
    "attempt-not-raised": f"{_WAY}[attempt-not-raised]",
    "owner-ignored": f"{_TAKE_OVER}::test_a_copy_with_leases_goes_on_in_a_stream_of_its_own",
    "stats-in-place": f"{_CONFORMANCE}::test_a_keeper_killed_at_any_step_leaves_whole_stats",
    "snapshot-ahead-of-sync": f"{_WAY}[snapshot-unsynced]",
    "join-left-out": f"{_CONFORMANCE}::test_a_keeper_that_is_late_puts_nothing_older_in_place",
    "failed-sync-believed": (
        "tests/unit/events/test_emitter.py"
        "::test_a_failed_commit_is_told_and_no_later_one_succeeds[sync]"
    ),
    "seq-not-checked-in-fold": (
        "tests/unit/projections/test_fold.py::test_the_same_line_again_counts_once"
    ),
    "plain-and-compressed-both-read": (
        "tests/unit/events/log/test_segment.py"
        "::test_of_two_files_with_one_number_the_plainer_is_taken[order0]"
    ),
}
"""For each mutation the test that catches it: red with it, green without."""
