"""Dead letters that are stored: counted, listed, and read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from events.clock import SystemClock
from events.limits import MAX_INTEGER
from events.redaction import Redactor
from sync_queue.dead_letters import StoredLetter, WholeLetter
from sync_queue.errors import InvalidJobError
from sync_queue.letter_file import open_letters
from sync_queue.letter_jobs import decode_job
from sync_queue.letter_rows import stored_integer, stored_letter
from sync_queue.sql import read_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.clock import Clock

UNKNOWN: Final = "unknown"
"""What letters without an error type are counted and selected under."""

_RECENT_KEYS: Final = ("id", "job_id", "scene_id", "error_type", "error_message", "failed_at")

_Dicts: TypeAlias = list[dict[str, Any]]  # `list` is a method below
_Rows: TypeAlias = list[tuple[Any, ...]]


class StoredLetters:
    """The file of the dead letters, and all that is read from it.

    `DeadLetterQueue` is the one to use: it adds what changes letters, and its description holds for
    all of it.
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
        self._database = open_letters(self.db_path, self._clock, keep_open=keep_open)

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

    def _rows(self, query: str, **values: Any) -> _Rows:
        with self._database.read() as connection:
            return connection.execute(self._queries[query], values).fetchall()

    def _stored(self, row: Sequence[Any]) -> StoredLetter:
        return stored_letter(row, self._redactor.text)

    def _redacted(self, text: str | None) -> str | None:
        return None if text is None else self._redactor.text(text)


def _checked_limit(limit: int) -> int:
    if limit < 0:
        raise ValueError(f"limit must be 0 or more, not {limit}")
    return min(limit, MAX_INTEGER)
