"""Feeding the fold from files: one segment, one stream, or lines from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from events.log.reader import BlockReader, Overlong
from events.log.segment import list_segments, open_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.fold import Fold


@dataclass(frozen=True)
class Problem:
    """A place in a log that could not be believed, or not yet.

    Attributes:
        source: The file.
        line: The line's number in it, from 1; None where reading began in the middle.
        offset: The line's first byte, counted in the uncompressed text.
        reason: What is wrong.
        incomplete: The line has no end yet: it is not counted, and may still be written.
    """

    source: str
    line: int | None
    offset: int
    reason: str
    incomplete: bool = False

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.source}{line}, byte {self.offset}: {self.reason}"


def nothing(_: object) -> None:
    """Take a problem, or a count of bytes, and do nothing with it."""


def read_file(
    fold: Fold,
    file: BinaryIO | RawIOBase,
    source: str,
    *,
    offset: int = 0,
    folder: str | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> tuple[int, bool]:
    """Fold the lines of an open file.

    Args:
        fold: What they are folded into.
        file: The uncompressed text, from its start.
        source: The file's name, for problems.
        offset: Where to begin.
        folder: The stream in whose folder the file is; None for lines from anywhere.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes of text were read, as they are read.

    Returns:
        The end of the last complete line, and whether there was any.
    """
    reader = BlockReader(cast("BinaryIO", file), offset=offset)
    line = 1 if offset == 0 else None
    any_line = False
    for block in reader:
        any_line = True
        found: list[tuple[int, str]] = []
        if isinstance(block, Overlong):
            fold.overlong(
                block.offset,
                block.length,
                folder=folder,
                report=lambda at, why, found=found: found.append((at, why)),
            )
            newlines, size = 1, block.length
            places = [(line, *bad) for bad in found]
        else:
            data = block.data
            fold.lines(
                data,
                block.offset,
                folder=folder,
                report=lambda at, why, found=found: found.append((at, why)),
            )
            newlines, size = data.count(b"\n"), len(data)
            places = [
                (None if line is None else line + data.count(b"\n", 0, at - block.offset), at, why)
                for at, why in found
            ]
        for number, at, why in places:
            problem(Problem(source, number, at, why))
        if line is not None:
            line += newlines
        progress(size)
    if reader.incomplete:
        problem(
            Problem(
                source,
                line,
                reader.offset,
                f"the last line is incomplete ({reader.incomplete} bytes without an end of line); "
                "it is not counted",
                incomplete=True,
            )
        )
    return reader.offset, any_line


def read_stream(
    fold: Fold,
    stream: str,
    folder: Path,
    fs: FileSystem,
    *,
    until: tuple[int, int] | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> Iterator[Segment]:
    """Fold what a stream's folder holds beyond the fold's position; yield each segment read.

    Args:
        fold: What the lines are folded into, and where reading goes on from.
        stream: The stream's name.
        folder: Its folder.
        fs: Where the folder is.
        until: A segment (its first seq) and an offset in it, at which to stop.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes were read.
    """
    segment_now, offset_now = fold.position(stream)
    for segment in list_segments(folder, fs):
        if segment_now is not None and segment.first_seq < segment_now:
            continue
        if until is not None and segment.first_seq > until[0]:
            return
        start = (offset_now or 0) if segment.first_seq == segment_now else 0
        with open_segment(segment, fs) as file:
            bounded = until is not None and segment.first_seq == until[0]
            end, any_line = read_file(
                fold,
                _Bounded(file, until[1]) if until is not None and bounded else file,
                str(segment.path),
                offset=start,
                folder=stream,
                problem=problem,
                progress=progress,
            )
        if any_line:
            fold.place(stream, segment.first_seq, end)
        yield segment


def open_listed(segment: Segment, folder: Path, fs: FileSystem) -> BinaryIO:
    """Open a segment that was listed; one that was compressed since is read as such.

    Raises:
        FileNotFoundError: It is gone in every form.
        EventsError: It is no regular file.
    """
    try:
        return open_segment(segment, fs)
    except FileNotFoundError:
        for now in list_segments(folder, fs):
            if now.first_seq == segment.first_seq and now.path != segment.path:
                return open_segment(now, fs)
        raise


class _Bounded(RawIOBase):
    """The beginning of a file, ``left`` bytes of it."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
