"""Giving a dead letter's job another chance: from `dlq.db` back to `queue.db`, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_queue.dead_letters import LetterResult
from sync_queue.errors import DuplicateKeyError, InvalidJobError
from sync_queue.letter_jobs import decode_job, job_to_retry
from sync_queue.letter_rows import stored_integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync_queue.connection import Database
    from sync_queue.jobs import NewJob
    from sync_queue.queue import JobQueue


def missing(letter_id: int) -> LetterResult:
    """The answer for an id that no letter has."""
    return LetterResult(letter_id, "missing", f"there is no dead letter {letter_id}")


def unreadable(letter_id: int, reason: Exception) -> LetterResult:
    """The answer for a letter of whose job no new one can be made."""
    return LetterResult(
        letter_id,
        "unreadable",
        f"dead letter {letter_id} is kept: {reason}; enqueue its job by hand, then purge it",
    )


def revive(
    database: Database, queries: Mapping[str, str], queue: JobQueue, letter_id: int
) -> LetterResult:
    """Enqueue one letter's job and delete the letter.

    Everything stands in one write transaction of `dlq.db`, so of two calls one finds no letter.
    The two files cannot be committed together; therefore the job is enqueued first, under a mark
    that `queue.db` takes once. After a crash in between, the repeat finds the mark, adds nothing
    and deletes the letter. The mark goes last (`forget_stale_marks`), when the letter is gone and
    nobody can repeat.

    Args:
        database: `dlq.db`.
        queries: Its queries.
        queue: Where to enqueue.
        letter_id: The letter.
    """
    with database.transaction() as connection:
        row = connection.execute(queries["job"], {"id": stored_integer(letter_id)}).fetchone()
        if row is None:
            return missing(letter_id)
        (dlq_id,) = connection.execute(queries["identity"]).fetchone()
        mark = f"{dlq_id}:{letter_id}"
        try:
            job_id = queue.retry_dead(mark, job_to_retry(decode_job(row[0]), from_log=bool(row[1])))
        except InvalidJobError as error:
            return unreadable(letter_id, error)
        except DuplicateKeyError:
            return LetterResult(
                letter_id,
                "waiting",
                f"dead letter {letter_id} is kept: a job with its key waits in the queue;"
                " retry it when that one has ended, or purge it",
            )
        connection.execute(queries["delete"], {"id": stored_integer(letter_id)})
    if job_id is None:
        message = f"dead letter {letter_id} had been enqueued by a try that was cut short; deleted"
    else:
        message = f"dead letter {letter_id} enqueued as job {job_id}"
    return LetterResult(letter_id, "retried", message, job_id)


def would_revive(database: Database, queries: Mapping[str, str], letter_id: int) -> LetterResult:
    """What `revive` would do, as far as the letter tells."""
    with database.read() as connection:
        row = connection.execute(queries["job"], {"id": stored_integer(letter_id)}).fetchone()
    if row is None:
        return missing(letter_id)
    try:
        job = job_to_retry(decode_job(row[0]), from_log=bool(row[1]))
    except InvalidJobError as error:
        return unreadable(letter_id, error)
    return LetterResult(
        letter_id, "would-retry", f"dead letter {letter_id} would be enqueued: {_named(job)}"
    )


def _named(job: NewJob) -> str:
    scene = "no scene" if job.scene_id is None else f"scene {job.scene_id}"
    return f"{job.kind!a} of {scene}"


def forget_stale_marks(database: Database, queries: Mapping[str, str], queue: JobQueue) -> int:
    """Take marks whose letter is gone out of `queue.db`, all in one transaction.

    Those of this call's letters, and any that one left behind which did not come so far.
    Marks are read before letters, and ids are never used again. So a letter that is missing then
    is gone for good; one that is just being retried is still there, and its mark stays.

    Returns:
        How many were forgotten.
    """
    marks = queue.marks()
    if not marks:
        return 0
    stale = []
    with database.read() as connection:
        (dlq_id,) = connection.execute(queries["identity"]).fetchone()
        for mark in marks:
            owner, _, letter_id = mark.rpartition(":")
            if (
                owner == dlq_id
                and not connection.execute(queries["exists"], {"id": int(letter_id)}).fetchone()
            ):
                stale.append(mark)
    if stale:
        queue.forget_marks(stale)
    return len(stale)
