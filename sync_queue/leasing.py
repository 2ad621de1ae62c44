"""Leases begin and end: statements inside a transaction that holds the write lock."""

from __future__ import annotations

from collections import defaultdict
from itertools import starmap
from typing import TYPE_CHECKING

from events.limits import MAX_INTEGER
from sync_queue.jobs import LeasedJob
from sync_queue.rows import retry_row

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from sync_queue.jobs import Ending


def claim_due(
    connection: sqlite3.Connection,
    sql: Mapping[str, str],
    *,
    stream: str,
    next_seq: int,
    limit: int,
    now_us: int,
) -> list[LeasedJob]:
    """Lease up to ``limit`` due jobs to ``stream``, in the order of time due, then id.

    A job whose worker died is leased alone: while such a job is the first that is due, a stream
    that holds anything else gets nothing, so the job's turn comes and nothing goes down with it.
    """
    if limit <= 0 or not connection.execute(sql["may_claim"], (stream,)).fetchone()[0]:
        return []
    rows = connection.execute(sql["due_jobs"], (next_seq, now_us, limit)).fetchall()
    jobs = _that_may_run_together(list(starmap(LeasedJob, rows)))
    if not jobs:
        return []
    if jobs[0].losses and connection.execute(sql["holds_lease"], (stream,)).fetchone()[0]:
        return []
    # One statement for all: its list is read once, and each row is found by its key.
    ids = str([job.id for job in jobs])
    connection.execute(sql["lease"], (stream, next_seq, ids))
    return jobs


def _that_may_run_together(due: list[LeasedJob]) -> list[LeasedJob]:
    """The first of ``due`` up to one that must run alone, or that one."""
    for place, job in enumerate(due):
        if job.losses:
            return due[: max(place, 1)]
    return due


def apply_endings(
    connection: sqlite3.Connection, sql: Mapping[str, str], stream: str, endings: Sequence[Ending]
) -> None:
    """End the leases of ``stream`` that ``endings`` are about; others change nothing."""
    retries = [ending for ending in endings if ending.retry_at_us is not None]
    if retries:
        # The newest first: of two with one key, it is the one that is kept.
        retries.sort(key=lambda ending: ending.job_id, reverse=True)
        rows = [retry_row(stream, ending) for ending in retries]
        connection.executemany(sql["retry_later"], rows)
        # A retry that waits now is no lease any more; one whose key waits again ends here.
        _end_each(connection, sql, stream, retries)
        endings = [ending for ending in endings if ending.retry_at_us is None]
    _end_together(connection, sql, stream, endings)


def _end_together(
    connection: sqlite3.Connection, sql: Mapping[str, str], stream: str, endings: Sequence[Ending]
) -> None:
    """End leases by one statement for all that are the same run, mostly the first.

    It goes by the oldest outcome, so it ends none that must not end. Where it leaves any, because
    one was leased after that outcome or is no lease of this stream, each one is looked at.
    """
    by_attempt: defaultdict[int, list[Ending]] = defaultdict(list)
    for ending in endings:
        by_attempt[ending.attempt].append(ending)
    for attempt, same in by_attempt.items():
        ids = str([ending.job_id for ending in same])
        seqs = [ending.seq for ending in same]
        ended = connection.execute(sql["end_leases"], (ids, attempt, stream, min(seqs))).rowcount
        if ended < len(same) or max(seqs) > MAX_INTEGER:
            _end_each(connection, sql, stream, same)  # which refuses what is no number of 64 bits


def _end_each(
    connection: sqlite3.Connection, sql: Mapping[str, str], stream: str, endings: Iterable[Ending]
) -> None:
    leases = [(ending.job_id, ending.attempt, stream, ending.seq) for ending in endings]
    connection.executemany(sql["end_lease"], leases)


def release(
    connection: sqlite3.Connection,
    sql: Mapping[str, str],
    stream: str,
    jobs: Iterable[tuple[int, int]],
    *,
    attempts: int = 0,
    losses: int = 0,
) -> int:
    """End leases that have no outcome.

    Args:
        connection: In a transaction.
        sql: The queue's statements.
        stream: Who holds them.
        jobs: Each one's id and attempt.
        attempts: By how much each one's attempt is lowered.
        losses: How many losses each one is charged with.

    Returns:
        How many leases ended. One whose key waits again is dropped.
    """
    newest_first = sorted(jobs, reverse=True)
    waiting = connection.executemany(
        sql["put_back"],
        [(attempts, losses, job_id, attempt, stream) for job_id, attempt in newest_first],
    ).rowcount
    dropped = connection.executemany(
        sql["end_lease"],
        [(job_id, attempt, stream, MAX_INTEGER) for job_id, attempt in newest_first],
    ).rowcount
    return max(waiting, 0) + max(dropped, 0)  # -1 when there were none
