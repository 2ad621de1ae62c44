"""What the queue knows of the other files of its data folder: of the log, and of `dlq.db`.

Each file can be lost, or be put back from a backup, by itself. What is noted here, in the same
transactions as the jobs, is how a worker notices that one of them is older than the others.
"""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from events.limits import MAX_INTEGER

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from sync_queue.connection import Database
    from sync_queue.jobs import Ending

_MOST_JOB_ID: Final = MAX_INTEGER // 2
"""Ids are raised no further, whatever a log says: so there are always some left."""


class KnownStream(NamedTuple):
    """What the queue knows of a stream.

    Attributes:
        stream: Its id.
        next_seq: All outcomes below it were applied, and its log holds all lines below it.
        next_dead: All dead letters below it were stored; 0 if there were none.
        looked_seq: What its log holds below it was compared with the queue already.
        told_end: Where its log ended when it was told that it ends before ``next_seq``.
    """

    stream: str
    next_seq: int = 0
    next_dead: int = 0
    looked_seq: int = 0
    told_end: int | None = None


class KnownLetters(NamedTuple):
    """What the queue knows of the dead letters' file.

    Attributes:
        dlq_id: The name of the file that was there last; None before the first look.
        behind: Whether letters were found to be missing in it, and not put back since.
    """

    dlq_id: str | None
    behind: bool


class Companions:
    """What one queue knows of its companions.

    Args:
        database: The queue's.
        sql: Its statements.
    """

    def __init__(self, database: Database, sql: Mapping[str, str]) -> None:
        self._database = database
        self._sql = sql

    # The log

    def streams(self) -> dict[str, KnownStream]:
        """All streams that it has heard of."""
        rows = self._read("acknowledged")
        return {known.stream: known for known in starmap(KnownStream, rows)}

    def stream(self, stream: str) -> KnownStream:
        """One stream; nothing is known of one that the queue never heard of."""
        rows = self._read("acknowledged_of", stream)
        return KnownStream(*rows[0]) if rows else KnownStream(stream)

    def looked(self, ends: Mapping[str, int]) -> None:
        """Remember up to where logs were compared with the queue, and nothing new was found."""
        if not ends:
            return
        with self._database.transaction() as connection:
            rows = [(stream, _fitting(end)) for stream, end in ends.items()]
            connection.executemany(self._sql["looked"], rows)

    def note_end(self, stream: str, next_seq: int) -> None:
        """Remember where a log ends of which all is on the disk, and every outcome was applied.

        So it is noticed as well when only what followed the last outcome is lost.
        """
        with self._database.transaction() as connection:
            self._mark(connection, [KnownStream(stream, next_seq)])

    def tell_end(self, stream: str, end: int | None) -> None:
        """Remember that it was told: the log of ``stream`` ends at ``end``, and should not.

        None where it is whole again.
        """
        with self._database.transaction() as connection:
            row = (None if end is None else _fitting(end), stream)
            connection.execute(self._sql["tell_end"], row)

    def is_unmarked(self) -> bool:
        """Whether the file was made by a version that noted nothing of the log."""
        return bool(self._read("get_meta", "unmarked"))

    def take_as_applied(self, logs: Iterable[KnownStream]) -> None:
        """Take the logs as they are for applied, once, in a file that is unmarked."""
        with self._database.transaction() as connection:
            self._mark(connection, logs)
            connection.execute(self._sql["drop_meta"], ("unmarked",))

    def begin_anew(self, queue_id: str, logs: Iterable[KnownStream], last_job_id: int) -> None:
        """Be another queue: one that is older than the log goes on as that.

        Args:
            queue_id: Its random name.
            logs: What of the log counts as applied, though this queue does not know it.
            last_job_id: No job gets an id up to this one any more.
        """
        with self._database.transaction() as connection:
            self._mark(connection, logs)
            connection.execute(self._sql["begin_job_ids"])
            highest = (min(last_job_id, _MOST_JOB_ID),)
            connection.execute(self._sql["raise_job_ids"], highest)
            connection.execute(self._sql["set_meta"], ("queue_id", queue_id))

    # The dead letters

    def letters(self) -> KnownLetters:
        """The dead letters' file, as it was seen last."""
        dlq_id = self._read("get_meta", "dlq_id")
        return KnownLetters(
            dlq_id[0][0] if dlq_id else None, bool(self._read("get_meta", "dlq_behind"))
        )

    def note_letters(self, dlq_id: str, *, behind: bool) -> None:
        """Remember the dead letters' file, and whether letters are missing in it."""
        with self._database.transaction() as connection:
            connection.execute(self._sql["set_meta"], ("dlq_id", dlq_id))
            if behind:
                connection.execute(self._sql["set_meta"], ("dlq_behind", "1"))

    def letters_are_whole(self, dlq_id: str, next_dead: Mapping[KnownStream, int]) -> None:
        """Remember that nothing is missing in the dead letters' file any more.

        Args:
            dlq_id: Its name.
            next_dead: For each stream as it was known, up to where there are letters of it.
        """
        with self._database.transaction() as connection:
            for known, there in next_dead.items():
                connection.execute(
                    self._sql["set_next_dead"], (_fitting(there), known.stream, known.next_dead)
                )
            connection.execute(self._sql["set_meta"], ("dlq_id", dlq_id))
            connection.execute(self._sql["drop_meta"], ("dlq_behind",))

    def _mark(self, connection: sqlite3.Connection, logs: Iterable[KnownStream]) -> None:
        rows = [(log.stream, _fitting(log.next_seq), _fitting(log.next_dead)) for log in logs]
        connection.executemany(self._sql["acknowledge"], rows)

    def _read(self, name: str, *values: object) -> list[tuple[Any, ...]]:
        with self._database.read() as connection:
            return connection.execute(self._sql[name], values).fetchall()


def acknowledge(
    connection: sqlite3.Connection, sql: Mapping[str, str], stream: str, endings: Sequence[Ending]
) -> None:
    """Note, in the transaction that applies them, up to where outcomes were applied."""
    next_seq = max([ending.seq for ending in endings]) + 1
    next_dead = max([ending.seq + 1 for ending in endings if ending.dead], default=0)
    connection.execute(sql["acknowledge"], (stream, _fitting(next_seq), _fitting(next_dead)))


def _fitting(seq: int) -> int:
    """A number that SQLite keeps; what a line or the name of a segment says may be beyond."""
    return min(seq, MAX_INTEGER)
