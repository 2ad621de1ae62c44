"""Lines that each have a number, so that one sees which are there, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def lines(first: int, last: int, pad: int = 20) -> bytes:
    """The lines of these numbers, both included.

    Args:
        first: The first one.
        last: The last one.
        pad: So many points stand in each.
    """
    return b"".join(b"line %d %s\n" % (n, b"." * pad) for n in range(first, last + 1))


def append(path: Path, data: bytes) -> None:
    """Add to a file, as a program does that opens it for each write."""
    with path.open("ab") as file:
        file.write(data)
