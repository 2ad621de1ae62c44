"""The durable job queue: jobs wait, are leased to a stream, and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sync_queue.errors import DuplicateKeyError
from sync_queue.jobs import Enqueued, QueueCounts
from sync_queue.leased_jobs import LeasedJobs
from sync_queue.rows import job_row
from sync_queue.spool import spooled

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from sync_queue.jobs import NewJob


class JobQueue(LeasedJobs):
    """The jobs of one data folder, in its ``queue.db``.

    Every method that changes something is one transaction, which is on disk when it returns.
    Any number of threads and processes may use one folder. Times are microseconds since
    1970 UTC; a lease is known by the job's id and attempt, and by the stream that holds it.
    Every method raises `QueueError`, with what to do, when the file cannot be used.

    Args:
        data_dir: The data folder; made when missing.
        clock: Says what is due.
        new_id: Makes the id of a new queue.
        busy_timeout_s: How long to wait for another process's transaction, in seconds.

    Attributes:
        path: The database file.
        companions: What the queue knows of the log and of the dead letters.
    """

    # Adding jobs

    def enqueue(self, job: NewJob) -> int | None:
        """Add one job.

        Returns:
            Its id, or None if a job with its key waits already.

        Raises:
            InvalidJobError: The job cannot be stored.
        """
        row = job_row(job, self._clock.now_us())
        with self._database.transaction() as connection:
            return self._insert(connection, row)

    def enqueue_many(self, jobs: Iterable[NewJob]) -> Enqueued:
        """Add jobs in one transaction: all, or none if it is killed or one of them is invalid.

        They are read to the end before the transaction begins, in bounded memory, so a slow
        source keeps nobody waiting. Writing takes about five seconds a million.

        Raises:
            InvalidJobError: A job cannot be stored; none was added.
        """
        now_us = self._clock.now_us()
        count = 0

        def rows() -> Iterator[tuple[Any, ...]]:
            nonlocal count
            for job in jobs:
                count += 1
                yield job_row(job, now_us)

        with (
            spooled(rows(), self.path.parent) as all_rows,
            self._database.transaction() as connection,
        ):
            cursor = connection.executemany(self._sql["enqueue"], all_rows)
            added = max(cursor.rowcount, 0)  # -1 when there were none
        return Enqueued(added, count - added)

    def retry_dead(self, mark: str, job: NewJob) -> int | None:
        """Add the job of a dead letter again, once, however often it is asked.

        Args:
            mark: Names the dead letter; kept until `forget_marks`, also when the job has ended.
            job: What is to be done again.

        Returns:
            The new job's id, or None if this dead letter was enqueued again before.

        Raises:
            DuplicateKeyError: A job with its key waits; nothing was changed.
            InvalidJobError: The job cannot be stored.
        """
        row = job_row(job, self._clock.now_us(), mark)
        with self._bindable(), self._database.transaction() as connection:
            if connection.execute(self._sql["find_mark"], (mark,)).fetchone()[0]:
                return None
            job_id = self._insert(connection, row)
            if job_id is None:
                raise DuplicateKeyError(
                    f"{self.path}: a job with the key {job.job_key!a} waits already; let it run"
                    " first, or purge this dead letter"
                )
            connection.execute(self._sql["add_mark"], (mark, job_id))
            return job_id

    def forget_marks(self, marks: Sequence[str]) -> None:
        """Forget that dead letters were enqueued again: they are gone themselves."""
        with self._bindable(), self._database.transaction() as connection:
            connection.executemany(self._sql["forget_mark"], [(mark,) for mark in marks])

    def marks(self) -> list[str]:
        """The dead letters that were enqueued again and may still be there."""
        return [mark for (mark,) in self._read("marks")]

    # The queue as a whole

    def counts(self) -> QueueCounts:
        """How many jobs are due, scheduled and leased at this moment."""
        due, scheduled, next_due_at_us, leased, paused = self._read("counts", self._clock.now_us())[
            0
        ]
        return QueueCounts(due, scheduled, next_due_at_us, leased, bool(paused))

    def bring_forward(self, longest_wait_us: int) -> int:
        """Let jobs wait no longer because the clock was set back since they were added.

        Args:
            longest_wait_us: No retry is further ahead than that, unless the clock was wrong.

        Returns:
            How many are due earlier now.
        """
        with self._bindable(), self._database.transaction() as connection:
            now_us = self._clock.now_us()  # not before the lock is had: others add jobs meanwhile
            return connection.execute(
                self._sql["bring_forward"], (now_us, now_us + longest_wait_us)
            ).rowcount

    def pause(self) -> None:
        """Let workers take no more jobs; what they hold, they finish."""
        self._write("pause")

    def resume(self) -> None:
        """Let workers take jobs again."""
        self._write("resume")

    def is_paused(self) -> bool:
        """Whether workers take no jobs."""
        return bool(self._read("is_paused")[0][0])

    def _insert(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> int | None:
        cursor = connection.execute(self._sql["enqueue"], row)
        return cursor.lastrowid if cursor.rowcount else None
