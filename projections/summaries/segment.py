"""What one sealed segment adds up to, and by which signs its file is known to be still the same."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from events.errors import EventsError
from projections.fold import Fold
from projections.problems import nothing
from projections.reading import read_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.filesystem import FileStatus, FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry
    from projections.problems import Problem

_BLOCK_BYTES = 1 << 20


class SegmentFile(msgspec.Struct, frozen=True):
    """Which file a summary was made of.

    Attributes:
        segment: The segment's first ``seq``.
        compression: "" for plain text, else ".gz" or ".zst".
        size: Bytes of the file, as it stands on the disk.
        mtime_ns: When it was last written to, in nanoseconds since 1970.
        inode: Which file of its disk it is.
        crc32: CRC-32 of its bytes, as gzip has it. Only who reads the file can compare it.
    """

    segment: int
    compression: str
    size: int
    mtime_ns: int
    inode: int
    crc32: int

    def fits(self, segment: Segment, fs: FileSystem) -> bool:
        """Whether that is still the segment's file, as far as it shows without being read."""
        if (self.segment, self.compression) != (segment.first_seq, segment.compression):
            return False
        found = _look(segment, fs)
        return found is not None and (self.size, self.mtime_ns, self.inode) == _signs(found)


@dataclass(frozen=True)
class SegmentSummary:
    """What a sealed segment adds up to.

    Attributes:
        file: The file.
        entry: What its lines add up to by themselves; its position is the end of the last of them.
    """

    file: SegmentFile
    entry: Entry


def _look(segment: Segment, fs: FileSystem) -> FileStatus | None:
    try:
        return fs.status(segment.path)
    except OSError:  # it is gone: compressed, or pruned
        return None


def _signs(found: FileStatus) -> tuple[int, int, int]:
    return found.size, found.mtime_ns, found.inode


def crc32_of(path: Path, fs: FileSystem) -> int:
    """CRC-32 of all bytes of a file, as it stands on the disk.

    Raises:
        EventsError: It is no regular file.
        OSError: It cannot be read.
    """
    crc = 0
    with fs.open_read(path) as file:
        while block := file.read(_BLOCK_BYTES):
            crc = zlib.crc32(block, crc)
    return crc


def summarise(
    segment: Segment,
    stream: str,
    fs: FileSystem,
    *,
    fold: Fold | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> SegmentSummary | None:
    """Fold a sealed segment by itself.

    A segment with an invalid line has no summary: who counts has to say where that line is.

    Args:
        segment: The segment.
        stream: Its stream.
        fs: Where it is.
        fold: What it is folded into, a new one. It holds all that was read, also after an error.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes were read.

    Returns:
        What it adds up to; None if it has no summary, or its file did not stay the same meanwhile.

    Raises:
        EventsError: It is damaged.
        OSError: It cannot be read.
    """
    apart = Fold() if fold is None else fold
    before = _look(segment, fs)
    for _ in read_stream(
        apart,
        stream,
        segment.path.parent,
        fs,
        segments=[segment],
        problem=problem,
        progress=progress,
    ):
        pass
    entry = apart.entry(stream)
    if before is None or entry.invalid_lines or not before.regular:
        return None
    try:
        crc32 = crc32_of(segment.path, fs)
    except (OSError, EventsError):  # it is gone, compressed since; but its lines were read
        return None
    after = _look(segment, fs)
    if after is None or _signs(after) != _signs(before):
        return None
    file = SegmentFile(
        segment=segment.first_seq,
        compression=segment.compression,
        size=before.size,
        mtime_ns=before.mtime_ns,
        inode=before.inode,
        crc32=crc32,
    )
    return SegmentSummary(file, entry)
