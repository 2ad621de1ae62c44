r"""Lines as they stand in a file, in large blocks: the hot path of every replay.

A line ends at ``\n`` and nowhere else. Zero bytes before a line (the hole of a file that was cut)
are no text, however many. No object is made for a line, only for a block of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from events.errors import EventsError
from events.limits import MAX_LINE_BYTES
from events.log.compression import is_decompressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Block:
    r"""Whole lines that follow one another.

    Attributes:
        offset: Where the first of them begins, in bytes of the uncompressed text.
        data: The lines, each with its ``\n``.
    """

    offset: int
    data: bytes

    @property
    def end(self) -> int:
        """Where the next line begins, in bytes."""
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Overlong:
    r"""A line that is longer than the limit; its text was passed over.

    Attributes:
        offset: Where it begins, in bytes of the uncompressed text.
        length: Its bytes, with its ``\n``.
    """

    offset: int
    length: int

    @property
    def end(self) -> int:
        """Where the next line begins, in bytes."""
        return self.offset + self.length


class BlockReader:
    r"""Iterating gives the whole lines of a file, from an offset to the last ``\n``.

    Iterating again, after the end or from the midst, goes on after what was handed out. A file that
    can be sought is read anew from there, so that an unfinished line may have been cut off and
    another written in its place meanwhile. Memory is bounded by ``block_bytes + max_line``, twice.

    Args:
        file: Open for reading, unless seekable at its start.
        offset: Where to begin, in bytes of the uncompressed text; the start of a line.
        block_bytes: How much is read at once.
        max_line: Longest line in bytes, its ``\n`` included.

    Attributes:
        offset: End of the last whole line handed out, in bytes.
        incomplete: Bytes of the unfinished last line, known at the end; 0 if there is none.
    """

    def __init__(
        self,
        file: BinaryIO,
        offset: int = 0,
        block_bytes: int = BLOCK_BYTES,
        max_line: int = MAX_LINE_BYTES,
    ) -> None:
        self.offset = offset
        self.incomplete = 0
        self._file = file
        self._seekable = file.seekable()
        self._read = _filler(file, seekable=self._seekable)
        self._at = -1 if self._seekable else 0  # file offset of the next read; -1: not known
        self._block_bytes = block_bytes
        self._max_line = max_line
        self._buffer = bytearray(block_bytes + max_line)
        self._view = memoryview(self._buffer)
        self._kept = 0  # bytes at the start of the buffer: an unfinished line
        self._passed = 0  # bytes of an unfinished line that is too long, and was dropped
        self._ready: deque[Block | Overlong] = deque()

    def __iter__(self) -> Iterator[Block | Overlong]:
        self._begin()
        while True:
            while self._ready:
                item = self._ready.popleft()
                self.offset = item.end
                yield item
            count = self._read(self._view[self._kept : self._kept + self._block_bytes])
            if not count:
                break
            self._at += count
            self._split(self._kept + count)
        self.incomplete = self._passed + self._kept

    def _begin(self) -> None:
        self.incomplete = 0
        if self._seekable:
            if self._at != self.offset:
                self._at = self._file.seek(self.offset)
                self._kept = self._passed = 0
                self._ready.clear()
            return
        while self._at < self.offset and not self._kept and not self._passed:
            wanted = min(self.offset - self._at, len(self._buffer))
            count = self._read(self._view[:wanted])
            if not count:
                break
            self._at += count

    def _split(self, end: int) -> None:
        """Make what is in the buffer up to ``end`` ready, and keep its unfinished last line."""
        buffer = self._buffer
        base = self._at - end  # file offset of the buffer's start
        begin = 0
        if self._passed:
            begin = buffer.find(b"\n", 0, end) + 1
            if not begin:
                self._passed += end
                return
            self._ready.append(Overlong(base - self._passed, self._passed + begin))
            self._passed = 0
        elif end and not buffer[0]:  # a hole in the file, however long, belongs to no line
            begin = _zeros(self._view[:end])
        # What was kept holds no line end.
        cut = buffer.rfind(b"\n", max(begin, self._kept), end) + 1
        if cut:
            self._take(begin, cut, base)
            begin = cut
        if end - begin >= self._max_line:
            begin += _zeros(self._view[begin:end])
        self._kept = end - begin
        if self._kept >= self._max_line:
            self._passed, self._kept = self._kept, 0
        elif begin:
            buffer[: self._kept] = bytes(self._view[begin:end])

    def _take(self, begin: int, cut: int, base: int) -> None:
        """Make the whole lines from ``begin`` to ``cut`` ready, those that are too long apart.

        Such a line covers at least one of the places that stand ``max_line`` bytes apart, so only
        the lines there are measured.
        """
        buffer = self._buffer
        probe = begin + self._max_line - 1
        while probe < cut:
            first = buffer.rfind(b"\n", begin, probe) + 1 or begin
            after = buffer.find(b"\n", probe, cut) + 1
            if after - first > self._max_line:
                if first > begin:
                    self._ready.append(Block(base + begin, bytes(self._view[begin:first])))
                begin = first + _zeros(self._view[first:after])  # a hole belongs to no line
                if after - begin > self._max_line:
                    self._ready.append(Overlong(base + begin, after - begin))
                    begin = after
            probe += self._max_line
        if begin < cut:
            self._ready.append(Block(base + begin, bytes(self._view[begin:cut])))


def _zeros(text: memoryview) -> int:
    """How many zero bytes a text begins with."""
    return len(text) - len(bytes(text).lstrip(b"\0"))


def _filler(file: BinaryIO, *, seekable: bool) -> Callable[[memoryview], int | None]:
    """A function that reads into a buffer; from a pipe what there is, without waiting for more."""
    source: Any = file
    # Not readinto1: where it has something in its own buffer, it waits for more all the same.
    read1: Callable[[int], bytes] | None = getattr(source, "read1", None)
    if seekable or read1 is None:
        readinto: Callable[[memoryview], int | None] = source.readinto
        return readinto
    is_pipe = not is_decompressed(file)

    def fill(view: memoryview) -> int:
        have = 0
        while have < len(view):
            try:
                data = read1(len(view) - have)
            except EventsError:  # a damaged archive, which says so again
                if have:
                    break
                raise
            if not data:
                break
            view[have : have + len(data)] = data
            have += len(data)
            if is_pipe:
                break
        return have

    return fill
