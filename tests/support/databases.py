"""Small databases for the tests of `Database`, and looks at them from outside."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from sync_queue.connection import Database

OURS: Final = 0x1234
"""The application id of these databases."""
FIRST_SCRIPT: Final = """\
-- A table; and a trigger, whose inner semicolons end no statement.
CREATE TABLE things (name TEXT);
CREATE TABLE log (name TEXT);
CREATE TRIGGER noted AFTER INSERT ON things BEGIN
    INSERT INTO log VALUES (new.name);
    UPDATE log SET name = upper(name);
END;
"""
SECOND_SCRIPT: Final = (
    "-- One column more.\nALTER TABLE things ADD COLUMN size INTEGER;\n-- That was all.\n"
)


def write(database: Database, name: str = "a") -> None:
    """Add a row, in a transaction of its own."""
    with database.transaction() as connection:
        connection.execute("INSERT INTO things (name) VALUES (?)", (name,))


def names(database: Database) -> list[str]:
    """All rows."""
    with database.read() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM things ORDER BY name")]


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only their number matters


def make(path: Path, *statements: str) -> bytes:
    """Make a database as another program does: its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()
