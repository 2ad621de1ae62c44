"""What is remembered of a text that was read, so that it is known again in another file.

zlib's crc32 goes on from its own value, so that one number stands for all that was read, at several
GiB a second. It guards against mistakes, not against somebody who makes texts to deceive it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_MARK = 16
HEAD_BYTES = 4096
"""What is read of a file to see whether it may be a known one."""
FIRST_BYTES = 512
"""What is kept of it in memory, so as to tell many files apart that begin alike."""
HEAD_MARKS = 9  # of 16, 32, … 4,096 bytes
TAIL_BYTES = 256
MOST_ENDS = 16


def mark_at(index: int) -> int:
    """How many bytes the mark of this index covers."""
    return FIRST_MARK << index


class Meter:
    """Takes a text in pieces, and keeps what identifies it.

    Marks stand at powers of 2, not further apart, so that of any text at least half can be compared
    with a longer one of which only the marks are left.

    Attributes:
        offset: Bytes taken.
        crc: The crc32 of all of them.
        marks: The crc32 of the first 16, 32, 64, … of them.
        tail_length: How many bytes before ``offset`` the next one covers; at most 256.
        tail_crc: The crc32 of the last bytes.
        ends: Where lines end in the first 4,096 bytes, the last 16 of them, and the crc32 up to
            there: so short texts can be compared to the byte.
        text: Stands for the text, in this process; a `copy` goes on with the same.
    """

    __slots__ = ("crc", "ends", "marks", "offset", "tail_crc", "tail_length", "text")

    def __init__(  # noqa: PLR0917 - as they are saved
        self,
        offset: int = 0,
        crc: int = 0,
        marks: Iterable[int] = (),
        tail_length: int = 0,
        tail_crc: int = 0,
        ends: Iterable[tuple[int, int]] = (),
    ) -> None:
        self.offset = offset
        self.crc = crc
        self.marks = list(marks)
        self.tail_length = tail_length
        self.tail_crc = tail_crc
        self.ends = list(ends)
        self.text = object()

    def copy(self) -> Meter:
        """Another one that goes on by itself."""
        other = self.apart()
        other.text = self.text
        return other

    def apart(self) -> Meter:
        """One of another text that is the same so far."""
        return Meter(self.offset, self.crc, self.marks, self.tail_length, self.tail_crc, self.ends)

    def take_lines(self, data: bytes) -> None:
        """Take whole lines."""
        at = 0
        crc = self.crc
        while self.offset + at < HEAD_BYTES and (end := data.find(b"\n", at) + 1):
            if self.offset + end >= HEAD_BYTES:
                break
            crc = crc32(data[at:end], crc)
            self.ends.append((self.offset + end, crc))
            at = end
        del self.ends[:-MOST_ENDS]
        self.take(data)

    def take(self, data: bytes | memoryview) -> None:
        """Take what follows; then the tail is to be told by `end`."""
        at = 0
        size = len(data)
        following = mark_at(len(self.marks)) - self.offset
        if following <= size:
            view = memoryview(data)
            while following <= size:
                self.crc = crc32(view[at:following], self.crc)
                self.marks.append(self.crc)
                at = following
                following = mark_at(len(self.marks)) - self.offset
            data = view[at:]
        self.crc = crc32(data, self.crc)
        self.offset += size

    def end(self, tail: bytes | memoryview) -> None:
        """Tell the last bytes taken, 256 of them or all."""
        self.tail_length = len(tail)
        self.tail_crc = crc32(tail)


def head_marks(head: bytes) -> list[int]:
    """The marks of a text's first bytes."""
    meter = Meter()
    meter.take(head[:HEAD_BYTES])
    return meter.marks


def agree(one: list[int], other: list[int]) -> bool:
    """Whether two texts have the marks in common that both have."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
