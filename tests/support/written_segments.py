"""What stands in a stream's folder after a writer wrote to it, and one way to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from events.log.writer import StreamWriter


def names(folder: Path) -> list[str]:
    """The names of all that stands there, in order."""
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    """What stands in each file."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def commit(writer: StreamWriter, data: bytes, count: int = 1) -> None:
    """Write so many lines, and bring them to the disk."""
    writer.append(data, count)
    writer.sync()
