"""``queue.db`` and ``dlq.db`` as a stranger reads them: by SQL of our own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    Place = tuple[str, int]

_NEWEST = "SELECT id FROM dead_letters ORDER BY id DESC LIMIT {}"


class Letter(NamedTuple):
    """A dead letter: the place of its outcome, and what it says of the job."""

    place: Place
    scene: int
    job: int
    error_type: str
    tries: int


@dataclass(frozen=True)
class Stores:
    """What the two databases hold.

    Attributes:
        waiting: Jobs in the queue, whatever their state: id, attempt, who leases them.
        added: How many jobs were ever added: ids are given once, and without a hole.
        letters: The dead letters.
        deleted: The places of dead letters that were deleted; here, because they were retried.
        pending: Places of dead letters that are still there and were enqueued again already.
    """

    waiting: list[tuple[int, int, str | None]]
    added: int
    letters: list[Letter]
    deleted: list[Place]
    pending: list[Place]


def read_stores(data: Path) -> Stores:
    """Read the databases of a data folder in which nobody works."""
    waiting = _rows(data / "queue.db", "SELECT id, attempt, leased_by FROM jobs ORDER BY id")
    added = _rows(data / "queue.db", "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'")
    marks = _rows(data / "queue.db", "SELECT mark FROM retry_marks")
    letters = _rows(
        data / "dlq.db",
        "SELECT id, stream, seq, scene_id, job_id, error_type, retry_count"
        " FROM dead_letters ORDER BY id",
    )
    deleted = _rows(data / "dlq.db", "SELECT stream, seq FROM deleted_letters")
    marked = {int(mark.rpartition(":")[2]) for (mark,) in marks}
    return Stores(
        waiting=waiting,
        added=added[0][0] if added else 0,
        letters=[Letter((stream, seq), *more) for _, stream, seq, *more in letters],
        deleted=deleted,
        pending=[(stream, seq) for each, stream, seq, *_ in letters if each in marked],
    )


def newest_letters(data: Path, count: int) -> list[int]:
    """The ids of the newest dead letters, while others work."""
    return [row[0] for row in _rows(data / "dlq.db", _NEWEST.format(count))]


def _rows(path: Path, query: str) -> list[Any]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.OperationalError as error:
            if not str(error).startswith("no such table"):
                raise
            return []  # who was making the file was killed, or is at it: it holds nothing yet
