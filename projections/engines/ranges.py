"""A part of a plain file that is a whole number of lines, wherever the file is cut."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_LOOK_BYTES = 1 << 16


class Span(NamedTuple):
    """Some of a file's bytes.

    Attributes:
        begin: The first of them.
        end: One more than the last.
        size: Bytes in the file when it was cut. What is written to it since belongs to no span, so
            that each worker finds the same ends of lines.
    """

    begin: int
    end: int
    size: int


class SpanLines(io.RawIOBase):
    """The lines that begin in a span, whole; the last one may go on beyond its end.

    So spans that follow one another give each line of a file once. A last line without an end is
    in the span in which it begins.

    Args:
        file: The file, which can be sought.
        span: Which part of it.

    Attributes:
        begin: Where the first of the lines begins, in bytes.
        lines: How many line ends were read.
    """

    def __init__(self, file: BinaryIO, span: Span) -> None:
        self.begin = _line_at(file, span.begin, span.size)
        self.lines = 0
        self._left = max(_line_at(file, span.end, span.size) - self.begin, 0)
        self._file: Any = file
        file.seek(self.begin)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what is left, at most as much as the buffer holds."""
        view = memoryview(buffer).cast("B")[: self._left]
        count: int = self._file.readinto(view) if view else 0
        self._left -= count
        self.lines += bytes(view[:count]).count(b"\n")
        return count


def _line_at(file: BinaryIO, at: int, size: int) -> int:
    """Where the first line begins that begins at ``at`` or later; ``size`` where none does."""
    if at <= 0 or at >= size:
        return max(min(at, size), 0)
    place = at - 1  # an end of a line there means that one begins at `at`
    file.seek(place)
    while place < size and (data := file.read(min(_LOOK_BYTES, size - place))):
        found = data.find(b"\n")
        if found >= 0:
            return place + found + 1
        place += len(data)
    return size
