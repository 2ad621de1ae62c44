"""What decompressors have in common: a text that is read into a buffer, up to a damaged place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class DamageError(Exception):
    """A decompressor does not understand what it was given."""


class Text(Protocol):
    """A text that is decompressed as it is read."""

    def readinto(self, view: memoryview, /) -> int:
        """Fill the buffer, or its start; say how much that was, 0 at the end.

        Raises:
            DamageError: Here the file is damaged; all that stands before was given.
        """


class Pieces:
    """A text that is made piece by piece."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")

    def readinto(self, view: memoryview, /) -> int:
        """As `Text`."""
        if not self._piece:
            self._piece = memoryview(next(self._pieces, b""))
        size = min(len(view), len(self._piece))
        view[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size
