"""SQL texts, which live in ``.sql`` files beside the code: queries and migrations."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from sync_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent
_MIGRATION_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


def migrations_folder(name: str) -> Path:
    """The folder of the migrations of one database: ``"queue"`` or ``"dlq"``."""
    return _HERE / "migrations" / name


def read_queries(name: str) -> dict[str, str]:
    """Every query of ``queries/<name>/``, by its file name without ``.sql``.

    A file holds one statement, under a comment that says what it is for.
    """
    folder = _HERE / "queries" / name
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))}


def read_migrations(folder: Path) -> list[str]:
    """The scripts of ``folder``, in order: the one at index *n* leads to version *n* + 1.

    Raises:
        QueueError: The files are not numbered 0001, 0002, … without a hole.
    """
    paths = sorted(folder.glob("*.sql"))
    for version, path in enumerate(paths, start=1):
        named = _MIGRATION_NAME.fullmatch(path.name)
        if named is None or int(named[1]) != version:
            raise QueueError(
                f"{path}: expected a file named {version:04}_<what it does>.sql here;"
                " install syncstats again"
            )
    if not paths:
        raise QueueError(f"{folder}: no migrations found; install syncstats again")
    return [path.read_text("utf-8") for path in paths]


def statements(script: str) -> Iterator[str]:
    """Split ``script`` into its statements (``executescript`` would commit first).

    A statement ends at the end of a line; triggers stay whole.
    """
    lines: list[str] = []
    for line in script.splitlines():
        lines.append(line)
        text = "\n".join(lines)
        if sqlite3.complete_statement(text):
            yield text
            lines.clear()
    rest = "\n".join(lines)
    if any(line.strip() and not line.lstrip().startswith("--") for line in lines):
        yield rest
