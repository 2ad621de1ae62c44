"""Ways to break the protocol from outside, one rule each: what the tests must notice.

The product has no switch for any of them. Each is a context manager that replaces parts of it by
their public names; workers, runners and queues that are made inside it are broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.support.broken_log import (
    failed_sync_believed,
    locks_ignored,
    owner_ignored,
    recover_with,
    twins_listed,
)
from tests.support.broken_queue import (
    dead_letter_after_queue,
    keep_lease_seq,
    keep_leases,
    late_in_recorder,
    lease_seq_ignored,
    queries_with,
    release_first,
    take_over_with,
)
from tests.support.broken_stats import join_left_out, seq_not_checked, stats_in_place, sync_left_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager


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


_ALL = [
    Mutation(
        "acknowledge-first",
        "the queue hears of an outcome before it is on the disk",
        late_in_recorder("emitter", "commit"),
    ),
    Mutation(
        "dead-letter-after-queue",
        "the queue hears of an outcome before the dead letter is stored",
        dead_letter_after_queue,
    ),
    Mutation(
        "no-tail-repair",
        "a torn last line stays, and the next one is glued to it",
        recover_with("truncate"),
    ),
    Mutation(
        "no-sync-at-takeover",
        "a take-over believes what a log shows without bringing it to the disk",
        recover_with("write_again", "sync_file"),
    ),
    Mutation(
        "release-before-apply",
        "a take-over releases leases before it applies what the log says of them",
        take_over_with(release_first),
    ),
    Mutation(
        "leases-kept",
        "a take-over does not release what is still leased",
        take_over_with(keep_leases),
    ),
    Mutation(
        "locks-ignored",
        "a take-over takes a stream whose worker lives",
        locks_ignored,
    ),
    Mutation(
        "lease-seq-ignored",
        "an outcome older than the lease ends it",
        lease_seq_ignored,
    ),
    Mutation(
        "lost-lease-not-moved",
        "a lease that is taken over keeps the seq of the dead stream",
        take_over_with(keep_lease_seq),
    ),
    Mutation(
        "worker-lost-never",
        "a job that kills its worker is released for ever",
        lambda: patch("worker.takeover.MAX_LOSSES", 10**9),
    ),
    Mutation(
        "attempt-not-raised",
        "two runs of a job have the same attempt",
        queries_with("attempt + 1", "max(attempt, 1)"),
    ),
    Mutation(
        "owner-ignored",
        "a copied stream is written on",
        owner_ignored,
    ),
    Mutation(
        "stats-in-place",
        "stats.json is overwritten where it stands",
        stats_in_place,
    ),
    Mutation(
        "snapshot-ahead-of-sync",
        "stats.json covers lines that are not on the disk",
        sync_left_out,
    ),
    Mutation(
        "join-left-out",
        "a runner saves without taking over what another has saved",
        join_left_out,
    ),
    Mutation(
        "failed-sync-believed",
        "an outcome counts as durable though its sync failed",
        failed_sync_believed,
    ),
    Mutation(
        "seq-not-checked-in-fold",
        "a line that is seen again counts again",
        seq_not_checked,
    ),
    Mutation(
        "plain-and-compressed-both-read",
        "a segment is read beside its compressed twin",
        twins_listed,
    ),
]
MUTATIONS: dict[str, Mutation] = {mutation.name: mutation for mutation in _ALL}
