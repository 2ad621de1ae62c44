"""A large file in parts, tallied at the same time by threads that the GIL does not hold up."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from events.kernel.tallies import kernel
from events.model import MAX_LINE_BYTES
from projections.kernel_lines import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from projections.kernel_lines import Group

PART_BYTES = 1 << 22
_BEYOND = 1 << 14  # of the next part, where the last line mostly ends
_MOST_THREADS = 8


class Part(NamedTuple):
    """Whole lines of a file that follow one another, and what they add up to.

    Attributes:
        offset: Where the first one begins, in bytes.
        end: Where the last one ends.
        lines: How many there are.
        groups: What they add up to, with places counted from ``offset``.
    """

    offset: int
    end: int
    lines: int
    groups: list[Group]


def threads() -> int:
    """How many parts are tallied at the same time."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)


def descriptor(file: BinaryIO) -> int | None:
    """The descriptor of a file that can be read in parts; None if it cannot be."""
    if kernel() is None or not isinstance(getattr(file, "raw", file), io.FileIO):
        return None  # what is decompressed has the descriptor of what it is made of
    number = file.fileno()
    return number if stat.S_ISREG(os.fstat(number).st_mode) else None


def read_parts(
    file: int, *, offset: int, end: int, folder: str | None, part_bytes: int = PART_BYTES
) -> Iterator[Part]:
    """Give the lines of a file in their order, tallied.

    It ends early, at the end of a line, where a line is so long that parts cannot be told from
    one another.

    Args:
        file: Its descriptor; its position does not matter.
        offset: Where to begin: the start of a line.
        end: Where the file ends, or less; lines that end later are not given.
        folder: The stream in whose folder it is, if any.
        part_bytes: How much is tallied at once.
    """
    reader = _PartReader(file, offset, end, folder, part_bytes)
    count = threads()
    begins = iter(range(offset, end, part_bytes))
    pool = ThreadPoolExecutor(count, "parts")
    try:
        # A few ahead of what is taken, so that memory stays bounded and no thread waits.
        ahead = deque(pool.submit(reader.read, begin) for begin in islice(begins, 2 * count))
        while ahead:
            part = ahead.popleft().result()
            if part is None:
                return
            for begin in islice(begins, 1):
                ahead.append(pool.submit(reader.read, begin))
            yield part
    finally:
        pool.shutdown(cancel_futures=True)


class _PartReader:
    """Reads and tallies any part of a file, in any thread."""

    def __init__(
        self, file: int, offset: int, end: int, folder: str | None, part_bytes: int
    ) -> None:
        self._file = file
        self._part_bytes = part_bytes
        self._offset = offset
        self._end = end
        self._folder = folder
        self._local = threading.local()

    def read(self, begin: int) -> Part | None:
        """Read the lines that begin in the part at ``begin``; None where that cannot be told."""
        # Byte `begin - 1` is read too: whether it ends a line says where this part's first begins.
        start = max(begin - 1, self._offset)
        buffer = self._buffer()
        wanted = min(begin + self._part_bytes, self._end) - start
        have = last = 0
        for beyond in (_BEYOND, MAX_LINE_BYTES):
            upto = min(wanted + beyond, self._end - start)
            have += _fill(self._file, memoryview(buffer)[have:upto], start + have)
            last = buffer.find(b"\n", wanted - 1, have) + 1
            if last or have < upto:
                break
        if not last and start + have >= self._end:  # the last line has no end yet
            last = buffer.rfind(b"\n", 0, have) + 1
        first = 0 if begin == self._offset else buffer.find(b"\n", 0, have) + 1
        if (begin != self._offset and not first) or last < first:
            return None
        with memoryview(buffer) as view:
            scanned = scan(view[first:last], self._folder, few_bytes=0)
        return None if scanned is None else Part(start + first, start + last, *scanned)

    def _buffer(self) -> bytearray:
        """This thread's."""
        if not hasattr(self._local, "buffer"):
            self._local.buffer = bytearray(self._part_bytes + 1 + MAX_LINE_BYTES)
        buffer: bytearray = self._local.buffer
        return buffer


def _fill(file: int, view: memoryview, offset: int) -> int:
    """Read as much as there is; how many bytes that was."""
    have = 0
    while have < len(view):
        count = os.preadv(file, [view[have:]], offset + have)
        if not count:
            break
        have += count
    return have
