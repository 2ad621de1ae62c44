"""Which schema a database file has, and how it is led to the newest one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_queue.errors import ForeignDatabaseError, NewerDatabaseError
from sync_queue.sql import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Schema:
    """What a file of ours is known by, and the way to its newest form.

    Attributes:
        application_id: Tells our file from those of other programs (SQLite header field).
        scripts: The one at index *n* leads from version *n* to version *n* + 1.
        unmarked_version: Asked about a non-empty file without an application id: which version
            a predecessor's file amounts to, None if it is not a predecessor's.
    """

    application_id: int
    scripts: Sequence[str]
    unmarked_version: Callable[[sqlite3.Connection], int | None] | None = None

    @property
    def newest(self) -> int:
        """The version that this program knows."""
        return len(self.scripts)

    def version(self, connection: sqlite3.Connection, path: Path) -> int:
        """The file's schema version, 0 if it is empty.

        Raises:
            ForeignDatabaseError: It is some other program's.
            NewerDatabaseError: It is of a newer version.
        """
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application_id == 0 and objects == 0 and version == 0:
            return 0
        if application_id == 0 and self.unmarked_version is not None:
            predecessor = self.unmarked_version(connection)
            if predecessor is not None:
                return predecessor
        if application_id != self.application_id:
            raise ForeignDatabaseError(
                f"{path}: it is a database of another program (application id"
                f" {application_id}); move it away, or name another data folder"
            )
        if version > self.newest:
            raise NewerDatabaseError(
                f"{path}: it has schema version {version}, and this syncstats knows versions up to"
                f" {self.newest}; use the newer syncstats that wrote it"
            )
        return int(version)

    def migrate(self, connection: sqlite3.Connection, path: Path) -> None:
        """Lead the file to the newest version, inside the caller's transaction.

        Raises:
            ForeignDatabaseError: It is some other program's.
            NewerDatabaseError: Another process has led it further meanwhile.
        """
        for script in self.scripts[self.version(connection, path) :]:
            for statement in statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {self.application_id:d}")
        connection.execute(f"PRAGMA user_version = {self.newest:d}")
