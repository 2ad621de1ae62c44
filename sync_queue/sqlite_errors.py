"""SQLite's result codes, told as what happened, to which file, and how to mend it; and its age."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from events.calls import call
from sync_queue.errors import QueueError

if TYPE_CHECKING:
    from pathlib import Path

# By primary result code (https://www.sqlite.org/rescode.html): what it means here, what to do.
_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and try again",
    sqlite3.SQLITE_READONLY: (
        "it cannot be written; give this user write access to the file and its folder"
    ),
    sqlite3.SQLITE_PERM: "access was denied; give this user access to the file and its folder",
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened; check that it is a file, that its folder exists,"
        " that this user may write there, and that the process may open more files (`ulimit -n`)"
    ),
    sqlite3.SQLITE_NOTADB: "it is not an SQLite database; {mend}",
    sqlite3.SQLITE_CORRUPT: (
        "the database is damaged; stop all workers, keep a copy of it, and restore a backup"
        " or repair it with `sqlite3 FILE .recover`"
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk answered with an error; check the disk and the free space, then try again"
    ),
    sqlite3.SQLITE_TOOBIG: "a value is too large to be stored; put large data in a file",
}

# What to do about a file that holds no database any more, by its name (docs/howto/restore.md).
_MEND = {
    "queue.db": (
        "bring it back from a backup, or move it away (the jobs that wait in it are lost then)"
    ),
    "dlq.db": "bring it back from a backup, or move it away, then call {restore}",
}
_MEND_ANOTHER = "move it away, or name another data folder"
_OLDEST_SQLITE = (3, 35)  # RETURNING


def refuse_old_sqlite() -> None:
    """Refuse to work with an SQLite that lacks what our statements are written in.

    Raises:
        QueueError: It is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise QueueError(
            f"this Python has SQLite {sqlite3.sqlite_version}, and syncstats needs 3.35 or"
            " newer; use a newer Python or system"
        )


def primary_code(error: sqlite3.Error) -> int | None:
    """The primary SQLite result code of ``error``; None if Python's module raised it itself."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether ``error`` says that someone else holds a lock."""
    return primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def explain(error: sqlite3.Error, path: Path, busy_timeout_s: float) -> QueueError:
    """Turn ``error``, met while using ``path``, into one that says what to do.

    Args:
        error: What sqlite3 raised.
        path: The database file.
        busy_timeout_s: How long the connection waits for a lock, in seconds.

    Returns:
        The error to raise ``from`` the first one.
    """
    if is_busy(error):
        return QueueError(
            f"{path}: another process has kept it locked for more than {busy_timeout_s:g} s;"
            f" find it (for example with `fuser {path}`), let it finish or end it, and try again"
        )
    code = primary_code(error)
    advice = None if code is None else _ADVICE.get(code)
    if advice is None:
        return QueueError(
            f"{path}: SQLite refused ({error}); this is a defect of syncstats or of the file,"
            " please report it with this line"
        )
    mend = _MEND.get(path.name, _MEND_ANOTHER).format(restore=call("dlq restore", path.parent))
    advice = advice.format(mend=mend)
    return QueueError(f"{path}: {advice} ({error})")
