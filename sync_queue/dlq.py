"""The dead letter queue: jobs that will not be retried by themselves, in `dlq.db`."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from sync_queue.dead_letters import DeadLetter, LetterResult
from sync_queue.letter_file import open_letters
from sync_queue.letter_rows import format_failed_at, letter_from_error, letter_row, stored_integer
from sync_queue.queue import JobQueue
from sync_queue.revival import forget_stale_marks, missing, revive, would_revive
from sync_queue.stored_letters import StoredLetters

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY_US: Final = 86_400_000_000


class DeadLetterQueue(StoredLetters):
    """Stores, lists, retries and deletes dead letters.

    Every call opens the file and closes it again, so an object needs no closing, unless it is told
    to keep the file open. Any number of threads and processes may share the file. Texts of errors
    are redacted when stored; jobs are stored whole, since they are to be retried, so mask them
    where they are shown.

    Args:
        data_dir: The data folder; made with mode 0700 when missing.
        clock: For the time of death of letters that bring none, and for ages.
        redactor: Masks secrets in messages and traces.
        keep_open: Keep the file open between calls, until `close`: for many calls in a row.

    Attributes:
        db_path: The SQLite file, ``data_dir/dlq.db``. The known predecessor's file is taken over
            in place, with its rows.

    Raises:
        QueueError: The file is another program's, was written by a newer version, or cannot be
            used; the message says what to do.
    """

    def add(self, job: dict[str, Any], error: BaseException, retry_count: int) -> int:
        """Store a job that died of ``error``, now.

        Args:
            job: The job's fields, stored as JSON. Its id is ``job_id``, else ``pqid``, else null.
                Of a job that JSON cannot hold, what can be shown is stored.
            error: What it died of, with its own traceback; need not be handled at the moment.
            retry_count: How many failures were recorded.

        Returns:
            The dead letter's id.

        Raises:
            QueueError: It could not be stored.
        """
        row = self._row(letter_from_error(job, error, retry_count))
        with self._database.transaction() as connection:
            return int(connection.execute(self._queries["insert"], row).lastrowid or 0)

    def insert(self, letters: Sequence[DeadLetter]) -> int:
        """Store dead letters in one transaction; those whose outcome is known already are skipped.

        An outcome (stream, seq) is known when a letter of it is there or was deleted, so that
        reading the log again changes nothing. A letter without a job is given the one that comes.

        Returns:
            How many were stored.

        Raises:
            QueueError: None of them could be stored.
        """
        if not letters:
            return 0
        rows = [self._row(letter) for letter in letters]
        with self._database.transaction() as connection:
            return sum(connection.execute(self._queries["insert"], row).rowcount for row in rows)

    def delete_older_than(self, days: float = 30) -> int:
        """Delete letters that died more than so many days ago.

        Args:
            days: 0 or more; letters without a time stay.

        Returns:
            How many went.

        Raises:
            ValueError: ``days`` is negative or no number.
        """
        if not days >= 0:  # NaN too
            raise ValueError(f"days must be 0 or more, not {days}")
        if math.isinf(days) or (before_us := self._clock.now_us() - round(days * _DAY_US)) < 0:
            return 0  # before 1970 nothing died
        with self._database.transaction() as connection:
            before = format_failed_at(before_us)
            return connection.execute(self._queries["delete_older"], {"before": before}).rowcount

    def retry(
        self,
        *ids: int,
        error_type: str | None = None,
        everything: bool = False,
        dry_run: bool = False,
        queue: JobQueue | None = None,
    ) -> tuple[LetterResult, ...]:
        """Enqueue dead letters again and delete them, each on its own; safe to repeat.

        Of each, reading, enqueueing and deleting stand in one write transaction of `dlq.db`, and
        the new job bears a mark in `queue.db` until the letter is gone. Marks of letters that are
        gone are forgotten in one transaction at the end. So two calls at once, or a
        call after a crash at any step, enqueue one job.

        Args:
            *ids: The letters; or else
            error_type: all of this type (``"unknown"``: also those without one); or else
            everything: all.
            dry_run: Change nothing, tell what would be done. (Whether a job with the same key
                waits is found out only by doing it.)
            queue: Where to enqueue; None opens the data folder's own for the call.

        Returns:
            One result for each letter. One whose ``job_key`` waits in the queue is kept, and so is
            one of whose job no new one can be made.

        Raises:
            ValueError: Not exactly one way of selecting was used.
            QueueError: A database cannot be used. What was done before stays done.
        """
        selected = self._select(ids, error_type, everything=everything)
        if dry_run:
            return tuple(would_revive(self._database, self._queries, each) for each in selected)
        own = JobQueue(self._data_dir, clock=self._clock) if queue is None else nullcontext(queue)
        with own as jobs, open_letters(self.db_path, self._clock, keep_open=True) as database:
            results = tuple(revive(database, self._queries, jobs, each) for each in selected)
            forget_stale_marks(database, self._queries, jobs)
            return results

    def purge(
        self,
        *ids: int,
        error_type: str | None = None,
        everything: bool = False,
        dry_run: bool = False,
    ) -> tuple[LetterResult, ...]:
        """Delete dead letters for good, all in one transaction. Their outcomes stay in the log.

        Args:
            *ids: The letters; or else
            error_type: all of this type (``"unknown"``: also those without one); or else
            everything: all.
            dry_run: Change nothing, tell what would be done.

        Returns:
            One result for each letter.

        Raises:
            ValueError: Not exactly one way of selecting was used.
            QueueError: The database cannot be used, and nothing was deleted.
        """
        selected = self._select(ids, error_type, everything=everything)
        if dry_run:
            return tuple(self._would_purge(letter_id) for letter_id in selected)
        with self._database.transaction() as connection:
            return tuple(
                LetterResult(letter_id, "purged", f"dead letter {letter_id} deleted")
                if connection.execute(
                    self._queries["delete"], {"id": stored_integer(letter_id)}
                ).rowcount
                else missing(letter_id)
                for letter_id in selected
            )

    def _would_purge(self, letter_id: int) -> LetterResult:
        if not self._rows("exists", id=stored_integer(letter_id)):
            return missing(letter_id)
        return LetterResult(letter_id, "would-purge", f"dead letter {letter_id} would be deleted")

    def _select(
        self, ids: tuple[int, ...], error_type: str | None, *, everything: bool
    ) -> Sequence[int]:
        if bool(ids) + (error_type is not None) + everything != 1:
            raise ValueError(
                "select dead letters by ids, by error_type, or everything: one of them"
            )
        if ids:
            return [*dict.fromkeys(ids)]
        return [letter_id for (letter_id,) in self._rows("ids", error_type=error_type)]

    def _row(self, letter: DeadLetter) -> dict[str, Any]:
        return letter_row(letter, self._redactor.text, self._clock.now_us())
