"""The dead letter queue: jobs that will not be retried by themselves, in `dlq.db`."""

from __future__ import annotations

import math
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from events.clock import SystemClock
from events.limits import MAX_INTEGER
from events.redaction import Redactor
from sync_queue.connection import Database
from sync_queue.dead_letters import DeadLetter, LetterResult, StoredLetter, WholeLetter
from sync_queue.errors import InvalidJobError
from sync_queue.letter_jobs import decode_job
from sync_queue.letter_rows import (
    format_failed_at,
    letter_from_error,
    letter_row,
    stored_integer,
    stored_letter,
)
from sync_queue.queue import JobQueue
from sync_queue.revival import forget_stale_marks, missing, revive, would_revive
from sync_queue.sql import migrations_folder, read_queries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from events.clock import Clock

APPLICATION_ID: Final = 0x73734451
"""``ssDQ`` in the file's header: tells our file from other programs'."""
UNKNOWN: Final = "unknown"
"""What letters without an error type are counted and selected under."""

_DAY_US: Final = 86_400_000_000
_PREDECESSOR_COLUMNS: Final = frozenset(
    {
        *("id", "job_id", "scene_id", "job_data", "error_type"),
        *("error_message", "stack_trace", "retry_count", "failed_at"),
    }
)
_RECENT_KEYS: Final = ("id", "job_id", "scene_id", "error_type", "error_message", "failed_at")

_Dicts: TypeAlias = list[dict[str, Any]]  # `list` is a method below
_Ids: TypeAlias = list[int]
_Rows: TypeAlias = list[tuple[Any, ...]]


class DeadLetterQueue:
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

    def __init__(
        self,
        data_dir: Path | str,
        *,
        clock: Clock | None = None,
        redactor: Redactor | None = None,
        keep_open: bool = False,
    ) -> None:
        self._data_dir = Path(data_dir)
        self.db_path = self._data_dir / "dlq.db"
        self._clock = clock or SystemClock()
        self._redactor = redactor or Redactor()
        self._queries = read_queries("dlq")
        self._database = self._open(keep_open=keep_open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Later use raises `QueueError`; closing again does nothing."""
        self._database.close()

    @property
    def dlq_id(self) -> str:
        """The file's own random name, with which `queue.db` marks the jobs retried from it."""
        ((dlq_id,),) = self._rows("identity")
        return str(dlq_id)

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

    def get_recent(self, limit: int = 10) -> _Dicts:
        """The newest letters first (of one time, the highest id first).

        Args:
            limit: How many at most; 0 or more.

        Returns:
            Dicts with ``id``, ``job_id``, ``scene_id``, ``error_type``, ``error_message`` and
            ``failed_at`` (text, UTC).
        """
        found: _Dicts = [
            dict(zip(_RECENT_KEYS, row, strict=True))
            for row in self._rows("recent", limit=_checked_limit(limit))
        ]
        for letter in found:
            letter["error_message"] = self._redacted(letter["error_message"])
        return found

    def get_by_id(self, dlq_id: int) -> dict[str, Any] | None:
        """The job of one letter, whole; None if there is no such letter, or no job with it.

        Raises:
            InvalidJobError: The stored job is damaged or holds what is no plain value.
        """
        for data, _ in self._rows("job", id=stored_integer(dlq_id)):
            try:
                return decode_job(data)
            except InvalidJobError as error:
                raise InvalidJobError(f"{self.db_path}: dead letter {dlq_id}: {error}") from error
        return None

    def get_count(self) -> int:
        """How many letters there are."""
        ((count,),) = self._rows("count")
        return int(count)

    def get_error_summary(self) -> dict[str, int]:
        """How many letters each error type has, the most frequent first.

        Counted in the database, by ``GROUP BY error_type``: however many letters there are, only
        one row for each type is read.

        Returns:
            Counts by error type; letters without a type count under ``"unknown"``.
        """
        counts: dict[str, int] = {}
        for error_type, count in self._rows("error_summary"):
            name = str(error_type or UNKNOWN)  # null, "" and "unknown" may all be there
            counts[name] = counts.get(name, 0) + count
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

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

    def list(
        self, limit: int | None = None, error_type: str | None = None
    ) -> tuple[StoredLetter, ...]:
        """Letters without their jobs, newest first.

        Args:
            limit: How many at most; None for all.
            error_type: Only those of this type (``"unknown"``: also those without one).
        """
        if limit is not None:
            _checked_limit(limit)
        rows = self._rows("list", limit=-1 if limit is None else limit, error_type=error_type)
        return tuple(self._stored(row) for row in rows)

    def get(self, dlq_id: int) -> WholeLetter | None:
        """One letter with its trace and job, or None; a job that cannot be read is told of.

        The job is whole: mask it where it is shown.
        """
        for *stored, stack_trace, data in self._rows("get", id=stored_integer(dlq_id)):
            try:
                job, unreadable = decode_job(data), None
            except InvalidJobError as error:
                job, unreadable = None, str(error)
            trace = self._redacted(stack_trace)
            return WholeLetter(self._stored(stored), trace, job, unreadable)
        return None

    def highest_seq(self, stream: str) -> int | None:
        """The highest seq of a stream that a letter, there or deleted, tells of; None for none."""
        ((seq,),) = self._rows("highest_seq", stream=stream)
        return None if seq is None else int(seq)

    def unknown(self, stream: str, seqs: Sequence[int]) -> frozenset[int]:
        """Those of some outcomes of a stream that no letter, there or deleted, tells of."""
        rows = self._rows("unknown", stream=stream, seqs=str([int(seq) for seq in seqs]))
        return frozenset(seq for (seq,) in rows)

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
        with own as jobs, self._open(keep_open=True) as database:
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

    def _open(self, *, keep_open: bool) -> Database:
        return Database(
            self.db_path,
            application_id=APPLICATION_ID,
            migrations=migrations_folder("dlq"),
            clock=self._clock,
            keep_open=keep_open,
            unmarked_version=_predecessors_version,
        )

    def _would_purge(self, letter_id: int) -> LetterResult:
        if not self._rows("exists", id=stored_integer(letter_id)):
            return missing(letter_id)
        return LetterResult(letter_id, "would-purge", f"dead letter {letter_id} would be deleted")

    def _select(self, ids: tuple[int, ...], error_type: str | None, *, everything: bool) -> _Ids:
        if bool(ids) + (error_type is not None) + everything != 1:
            raise ValueError(
                "select dead letters by ids, by error_type, or everything: one of them"
            )
        if ids:
            return [*dict.fromkeys(ids)]
        return [letter_id for (letter_id,) in self._rows("ids", error_type=error_type)]

    def _rows(self, query: str, **values: Any) -> _Rows:
        with self._database.read() as connection:
            return connection.execute(self._queries[query], values).fetchall()

    def _row(self, letter: DeadLetter) -> dict[str, Any]:
        return letter_row(letter, self._redactor.text, self._clock.now_us())

    def _stored(self, row: Sequence[Any]) -> StoredLetter:
        return stored_letter(row, self._redactor.text)

    def _redacted(self, text: str | None) -> str | None:
        return None if text is None else self._redactor.text(text)


def _checked_limit(limit: int) -> int:
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, not {limit}")
    return min(limit, MAX_INTEGER)


def _predecessors_version(connection: sqlite3.Connection) -> int | None:
    """0 for the known predecessor's file, which our first migration leaves as it is."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(dead_letters)")}
    return 0 if version == 0 and columns >= _PREDECESSOR_COLUMNS else None
