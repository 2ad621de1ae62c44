"""The file of the dead letters: how it is opened, and told from other programs'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sync_queue.connection import Database
from sync_queue.sql import migrations_folder

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from events.clock import Clock

APPLICATION_ID: Final = 0x73734451
"""``ssDQ`` in the file's header: tells our file from other programs'."""

_PREDECESSOR_COLUMNS: Final = frozenset(
    {
        *("id", "job_id", "scene_id", "job_data", "error_type"),
        *("error_message", "stack_trace", "retry_count", "failed_at"),
    }
)


def open_letters(path: Path, clock: Clock, *, keep_open: bool) -> Database:
    """Open `dlq.db`, made where it is missing; the known predecessor's file is taken over.

    Args:
        path: The file.
        clock: Limits how long a lock of another process is waited for.
        keep_open: Whether the file stays open between calls.

    Raises:
        QueueError: The file is another program's, was written by a newer version, or cannot be
            used.
    """
    return Database(
        path,
        application_id=APPLICATION_ID,
        migrations=migrations_folder("dlq"),
        clock=clock,
        keep_open=keep_open,
        unmarked_version=_predecessors_version,
    )


def _predecessors_version(connection: sqlite3.Connection) -> int | None:
    """0 for the known predecessor's file, which our first migration leaves as it is."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(dead_letters)")}
    return 0 if version == 0 and columns >= _PREDECESSOR_COLUMNS else None
