"""A decompressed text in blocks that are lent: a few buffers, used again and again.

A block that is made anew costs as much as decompressing does: it is copied, and memory that was not
there before is cleared.
"""

from __future__ import annotations

import io
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from events.limits import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

LENT_BYTES = 1 << 21
AHEAD = 2
"""How many blocks may be ready while one is used, and another one made."""
_BUFFERS = AHEAD + 2


class Lent(NamedTuple):
    """Whole lines that follow one another.

    Attributes:
        offset: Where the first of them begins, in bytes of the text.
        lines: They; until the next one but ``AHEAD`` is taken.
    """

    offset: int
    lines: memoryview

    @property
    def end(self) -> int:
        """Where the next line begins, in bytes."""
        return self.offset + len(self.lines)


class Lender:
    """Iterating gives the whole lines of a text, up to one that is too long for a buffer.

    Args:
        text: It, from its start.
        offset: Where to begin: the start of a line.
        block_bytes: How much is read at once.
        longest: The longest line for which there is room.
    """

    def __init__(
        self,
        text: io.RawIOBase,
        offset: int = 0,
        block_bytes: int = LENT_BYTES,
        longest: int = MAX_LINE_BYTES,
    ) -> None:
        self._text = text
        self._offset = offset
        self._bytes = block_bytes
        self._buffers = _buffers(block_bytes + longest)
        self._kept = memoryview(b"")  # of an unfinished line, at the end of a buffer

    def __iter__(self) -> Iterator[Lent]:
        self._pass_over()
        number = 0
        while True:
            buffer = self._buffers[number % _BUFFERS]
            kept, view = len(self._kept), memoryview(buffer)
            if kept + self._bytes > len(buffer):
                return
            view[:kept] = self._kept
            self._kept = view[:kept]
            size = self._text.readinto(view[kept : kept + self._bytes])
            if not size:
                return
            end = kept + size
            whole = buffer.rfind(b"\n", kept, end) + 1
            self._kept = view[whole:end]
            if whole:
                lent = Lent(self._offset, view[:whole])
                self._offset = lent.end
                yield lent
                number += 1  # only then: all others may be in use

    def _pass_over(self) -> None:
        left = self._offset
        buffer = memoryview(self._buffers[0])[: self._bytes]
        while left and (size := self._text.readinto(buffer[:left])):
            left -= size

    def rest(self) -> Rest:
        """The text that was not lent, after iterating; once. What was lent is used no more."""
        kept, self._kept = bytes(self._kept), memoryview(b"")
        _spare.append(self._buffers)
        return Rest(kept, self._text, self._offset)


_spare: deque[list[bytearray]] = deque(maxlen=2)
"""Buffers that nobody uses now: of many files each would have memory cleared for it."""


def _buffers(size: int) -> list[bytearray]:
    try:
        buffers = _spare.pop()
    except IndexError:
        buffers = []
    if buffers and len(buffers[0]) == size:
        return buffers
    return [bytearray(size) for _ in range(_BUFFERS)]


class Rest(io.RawIOBase):
    """A text from some place on.

    Args:
        head: What was read of it.
        tail: What follows.
        offset: The place, in bytes; only there it can be sought.
    """

    def __init__(self, head: bytes, tail: io.RawIOBase, offset: int) -> None:
        self._head = memoryview(head)
        self._tail = tail
        self._offset = offset

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Where it is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Stay."""
        if whence != io.SEEK_SET or offset != self._offset:
            raise io.UnsupportedOperation("only the place where it is can be sought")
        return offset

    def readinto(self, buffer: Any, /) -> int | None:
        """Read some of it."""
        if not self._head:
            size = self._tail.readinto(buffer)
        else:
            size = min(len(buffer), len(self._head))
            buffer[:size] = self._head[:size]
            self._head = self._head[size:]
        self._offset += size or 0
        return size
