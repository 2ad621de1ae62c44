"""The durable job queue: jobs wait, are leased to a stream, and end."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from events.clock import SystemClock
from sync_queue.companions import Companions, acknowledge
from sync_queue.connection import BUSY_TIMEOUT_S, Database
from sync_queue.errors import DuplicateKeyError, QueueError
from sync_queue.jobs import Enqueued, LeasedJob, QueueCounts
from sync_queue.leasing import apply_endings, claim_due, release
from sync_queue.rows import job_row
from sync_queue.spool import spooled
from sync_queue.sql import migrations_folder, read_queries

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from events.clock import Clock
    from sync_queue.jobs import Ending, NewJob

APPLICATION_ID: Final = 0x73737175  # "ssqu"


class JobQueue:
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

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self.path = Path(data_dir) / "queue.db"
        self._clock = clock or SystemClock()
        self._sql = read_queries("queue")
        self._database = Database(
            self.path,
            application_id=APPLICATION_ID,
            migrations=migrations_folder("queue"),
            clock=self._clock,
            busy_timeout_s=busy_timeout_s,
        )
        try:
            if self._find_id() is None:
                self._write("name_queue", new_id())  # unless another process was first
        except BaseException:
            self._database.close()
            raise
        self.companions = Companions(self._database, self._sql)

    @property
    def queue_id(self) -> str:
        """The file's random id: a queue that was lost and made anew is another one.

        It changes when the queue is found to be older than the log.
        """
        ((queue_id,),) = self._read("get_meta", "queue_id")
        return str(queue_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Later use raises `QueueError`; closing again does nothing."""
        self._database.close()

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

    # Leases

    def claim(self, stream: str, next_seq: int, limit: int) -> list[LeasedJob]:
        """Lease due jobs to a stream; each one's attempt is raised by one.

        A job whose worker died is leased alone, and until it has ended nothing else is.

        Args:
            stream: Whose lock the caller holds.
            next_seq: The number that the stream's next event will have.
            limit: How many at most.

        Returns:
            The jobs in the order of the time due, then of their ids; none while paused.
        """
        return self.apply(stream, (), claim=limit, next_seq=next_seq)

    def apply(
        self, stream: str, endings: Sequence[Ending], *, claim: int = 0, next_seq: int = 0
    ) -> list[LeasedJob]:
        """Apply recorded outcomes, then claim the next jobs, in one transaction.

        An ending of a lease that is no more (seen before, of an older attempt, of another
        stream, of an outcome older than the lease) changes nothing, so applying again is safe.
        A retry whose ``job_key`` waits again is dropped: the newer job replaces it.
        Up to where the stream's outcomes were applied is remembered (`companions`).

        Args:
            stream: Whose outcomes they are.
            endings: In any order.
            claim: How many jobs to lease, as `claim` does.
            next_seq: The number that the stream's next event will have.
        """
        with self._bindable(), self._database.transaction() as connection:
            if endings:
                apply_endings(connection, self._sql, stream, endings)
                acknowledge(connection, self._sql, stream, endings)
            return claim_due(
                connection,
                self._sql,
                stream=stream,
                next_seq=next_seq,
                limit=claim,
                now_us=self._clock.now_us(),
            )

    def leases(self, stream: str) -> list[LeasedJob]:
        """What a stream holds, in the order in which it was leased."""
        return list(starmap(LeasedJob, self._read("leases", stream)))

    def highest_lease_seq(self, stream: str) -> int | None:
        """The highest next number that the queue knows of the stream; None if it holds nothing."""
        highest: int | None = self._read("highest_lease_seq", stream)[0][0]
        return highest

    def leased_streams(self) -> list[str]:
        """The streams that hold leases, by name."""
        return [stream for (stream,) in self._read("leased_streams")]

    def give_back(self, stream: str, jobs: Sequence[tuple[int, int]]) -> int:
        """Release leases of jobs that never began: that uses up no attempt.

        Args:
            stream: Who holds them.
            jobs: Each one's id and attempt.

        Returns:
            How many leases ended. (One whose key waits again is dropped.)
        """
        return self._release(stream, jobs, attempts=1)

    def interrupt(self, stream: str, jobs: Sequence[tuple[int, int]]) -> int:
        """Release leases of jobs that were stopped midway: their attempt stays used.

        Args:
            stream: Who holds them.
            jobs: Each one's id and attempt.

        Returns:
            How many leases ended. (One whose key waits again is dropped.)
        """
        return self._release(stream, jobs, attempts=0)

    def release_lost(self, stream: str) -> int:
        """Release all that a dead stream holds, and count a loss for each.

        Only for who holds the stream's lock, and has applied the outcomes in its log.

        Returns:
            How many leases ended. (One whose key waits again is dropped.)
        """
        with self._bindable(), self._database.transaction() as connection:
            held = starmap(LeasedJob, connection.execute(self._sql["leases"], (stream,)).fetchall())
            jobs = [(job.id, job.attempt) for job in held]
            return release(connection, self._sql, stream, jobs, losses=1)

    def take_over(
        self, job_id: int, attempt: int, from_stream: str, to_stream: str, next_seq: int
    ) -> bool:
        """Move a lease, so that another worker can record how the job ended.

        Args:
            job_id: The job.
            attempt: Its attempt, which stays.
            from_stream: The dead stream.
            to_stream: The stream that goes on with it.
            next_seq: The number that its next event will have.

        Returns:
            Whether the dead stream still held it.
        """
        return bool(self._write("take_over", to_stream, next_seq, job_id, attempt, from_stream))

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

    def _find_id(self) -> str | None:
        found = self._read("get_meta", "queue_id")
        return found[0][0] if found else None

    def _insert(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> int | None:
        cursor = connection.execute(self._sql["enqueue"], row)
        return cursor.lastrowid if cursor.rowcount else None

    def _release(self, stream: str, jobs: Sequence[tuple[int, int]], attempts: int) -> int:
        with self._bindable(), self._database.transaction() as connection:
            return release(connection, self._sql, stream, jobs, attempts=attempts)

    def _read(self, name: str, *values: object) -> list[tuple[Any, ...]]:
        with self._bindable(), self._database.read() as connection:
            return connection.execute(self._sql[name], values).fetchall()

    def _write(self, name: str, *values: object) -> int:
        with self._bindable(), self._database.transaction() as connection:
            return connection.execute(self._sql[name], values).rowcount

    @contextmanager
    def _bindable(self) -> Iterator[None]:
        """Tell in words that a value has no place in the database."""
        try:
            yield
        except (OverflowError, UnicodeEncodeError) as error:
            raise QueueError(
                f"{self.path}: a number beyond 64 bits or text without UTF-8 was given ({error})"
            ) from error
