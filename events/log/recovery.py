"""Putting a stream in order before it is written to again, and reading what it says.

Appending after a torn line would glue two records into one that is none. So what the last writer
left unfinished is copied aside and cut off first. The order is: bring what stands in the last
segment to disk (its writer may have died before it did), copy, sync the copy, cut, sync. Each step
can be repeated, so a crash in between costs nothing.

To bring it to disk, a sync alone would not do: one may have failed before, of a writer that is
dead now, or in the background. What that dropped can be read as long as it is in memory, counts as
clean, and is lost when the power fails. So what nobody has acknowledged is written again where it
stands, and synced then.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import UNSET

from events.codec import decode
from events.errors import EventsError, InvalidLineError, LogWriteError
from events.log.numbers import next_seq, place_before
from events.log.pruned import pruned_end
from events.log.reader import BLOCK_BYTES, Block, BlockReader
from events.log.segment import list_segments, open_segment
from events.model import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from events.model import Line


@dataclass(frozen=True, slots=True)
class Torn:
    """An unfinished last line that was cut off.

    Attributes:
        path: The side file that holds it now.
        size: Its bytes.
    """

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """A stream in order: all of it is on disk, and it ends with a whole line.

    Attributes:
        next_seq: Number of the next line.
        tail: First ``seq`` and size in bytes of the plain segment to go on with, if there is one.
        torn: What was cut off, if anything was.
    """

    next_seq: int
    tail: tuple[int, int] | None
    torn: Torn | None


def recover(folder: Path, fs: FileSystem, known_seq: int = 0) -> Recovered:
    r"""Put a stream in order; its caller holds the stream's lock.

    An unfinished last line is cut off even if it is a whole JSON object that lacks only its
    ``\n``: it was never acknowledged. A line that has its ``\n`` is never cut off.

    Args:
        folder: The stream's folder.
        fs: Where it is.
        known_seq: All lines below it are known to be on the disk: whoever wrote them has
            acknowledged them.

    Raises:
        LogWriteError: The disk refused; what the log holds is not known then.
        EventsError: The folder or its last segment is a symbolic link, a compressed segment at the
            end is damaged, or the log has lost what came after its pruned beginning.
    """
    if not fs.is_folder(folder):
        raise EventsError(f"{folder} is no folder, or a symbolic link: it is not written to")
    try:
        segments = list_segments(folder, fs)
        _check_end(folder, segments, fs)
        tail, torn = None, None
        if segments and not segments[-1].compression:
            tail, torn = _mend(segments[-1], fs, known_seq)
        # The segment's own name too may not be on disk, nor the stream's.
        fs.sync_folder(folder)
        fs.sync_folder(folder.parent)
        return Recovered(next_seq(segments, folder.name, fs), tail, torn)
    except OSError as error:
        raise LogWriteError(
            f"cannot put the log in {folder} in order: {error}; mend the cause, then start again"
        ) from error


def _check_end(folder: Path, segments: list[Segment], fs: FileSystem) -> None:
    """Refuse a log that ends before its pruned part does: its numbers would be given again."""
    try:
        end = pruned_end(folder, fs)
    except EventsError:
        if segments:  # then numbering needs no summary, and who counts tells of the damage
            return
        raise
    if end > (segments[-1].first_seq if segments else 0):
        raise EventsError(
            f"the log in {folder} ends before seq {end}, up to which it was pruned: segments are "
            "missing; bring them back from a backup"
        )


def read_outcomes(folder: Path, from_seq: int, fs: FileSystem) -> Iterator[Line]:
    """The outcomes of a stream with ``seq`` from ``from_seq`` on, as they stand in its files.

    Invalid lines, an unfinished last line, and lines of other streams are passed over.

    Raises:
        EventsError: A compressed segment is damaged.
        OSError: A segment cannot be read.
    """
    segments = list_segments(folder, fs)
    for segment, following in itertools.zip_longest(segments, segments[1:]):
        if following is not None and following.first_seq <= from_seq:
            continue
        for text in _lines(segment, fs):
            try:
                line = decode(text)
            except InvalidLineError:
                continue
            if line.event not in OUTCOMES or line.stream != folder.name:
                continue
            if line.seq is not UNSET and line.seq >= from_seq:
                yield line


def _mend(segment: Segment, fs: FileSystem, known_seq: int) -> tuple[tuple[int, int], Torn | None]:
    fs.write_again(segment.path, place_before(known_seq, segment, fs))
    fs.sync_file(segment.path)
    size = fs.size(segment.path)
    with fs.open_read(segment.path) as file:
        end = _end_of_lines(file, size)
    torn = None
    if end < size:
        torn = Torn(_set_aside(segment, end, fs), size - end)
        fs.truncate(segment.path, end)
    return (segment.first_seq, end), torn


def _end_of_lines(file: BinaryIO, size: int) -> int:
    r"""Place after the last ``\n``, looked for from the end in blocks."""
    while size > 0:
        begin = max(size - BLOCK_BYTES, 0)
        file.seek(begin)
        newline = file.read(size - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        size = begin
    return 0


def _set_aside(segment: Segment, offset: int, fs: FileSystem) -> Path:
    """Copy the end of a segment to a side file, durably; an equal one that is there will do."""
    name = f"{segment.first_seq:020d}.torn-{offset}"
    for number in itertools.count(1):
        side = segment.path.with_name(name if number == 1 else f"{name}-{number}")
        try:
            fs.write_new(side, _blocks(segment.path, offset, fs))
        except FileExistsError:
            # From a recovery that did not come to its end, or another line torn at this place.
            if not _is_equal(side, segment.path, offset, fs):
                continue
            fs.sync_file(side)
            fs.sync_folder(side.parent)
        return side
    raise AssertionError


def _is_equal(side: Path, path: Path, offset: int, fs: FileSystem) -> bool:
    if fs.size(side) != fs.size(path) - offset:
        return False
    pairs = zip(_blocks(side, 0, fs), _blocks(path, offset, fs), strict=True)
    return all(one == other for one, other in pairs)


def _blocks(path: Path, offset: int, fs: FileSystem) -> Iterator[bytes]:
    with fs.open_read(path) as file:
        file.seek(offset)
        while block := file.read(BLOCK_BYTES):
            yield block


def _lines(segment: Segment, fs: FileSystem) -> Iterator[bytes]:
    r"""The whole lines of a segment, without their ``\n``; those over the limit are left out."""
    with open_segment(segment, fs) as file:
        for item in BlockReader(file):
            if isinstance(item, Block):
                yield from item.data[:-1].split(b"\n")
