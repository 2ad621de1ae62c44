"""Feeding the fold from files: one segment, one stream, or lines from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from events.log.reader import BlockReader, Overlong
from events.log.segment import list_segments, open_segment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.reader import Block
    from events.log.segment import Segment
    from events.reporting import Report
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
    file: BinaryIO,
    source: str,
    *,
    offset: int = 0,
    folder: str | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> Iterator[int]:
    """Fold the lines of an open file, block by block.

    Args:
        fold: What they are folded into.
        file: The uncompressed text, from its start.
        source: The file's name, for problems.
        offset: Where to begin.
        folder: The stream in whose folder the file is; None for lines from anywhere.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes of text were read, as they are read.

    Yields:
        The end of the lines folded so far. Until then, they and no others are in the fold.
    """

    def take(block: Block | Overlong, report: Report) -> None:
        if isinstance(block, Overlong):
            fold.overlong(block.offset, block.length, folder=folder, report=report)
        else:
            fold.lines(block.data, block.offset, folder=folder, report=report)

    return read_blocks(take, file, source, offset=offset, problem=problem, progress=progress)


def read_blocks(
    take: Callable[[Block | Overlong, Report], object],
    file: BinaryIO,
    source: str,
    *,
    offset: int = 0,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> Iterator[int]:
    """Hand the lines of an open file on, block by block.

    Args:
        take: Takes each block, and tells the report of each invalid line.
        file: The uncompressed text, from its start.
        source: The file's name, for problems.
        offset: Where to begin.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes of text were read, as they are read.

    Yields:
        The end of the lines taken so far.
    """
    reader = BlockReader(file, offset=offset)
    line = 1 if offset == 0 else None
    found: list[tuple[int, str]] = []

    def report(offset: int, reason: str) -> None:
        found.append((offset, reason))

    for block in reader:
        data = b"\n" if isinstance(block, Overlong) else block.data
        take(block, report)
        yield block.end
        counted = 0
        for at, why in sorted(found, key=_place):
            if at < block.offset:  # it began in a block before this one
                problem(Problem(source, None, at, why))
                continue
            if line is not None:
                line += data.count(b"\n", counted, at - block.offset)
                counted = at - block.offset
            problem(Problem(source, line, at, why))
        found.clear()
        if line is not None:
            line += data.count(b"\n", counted)
        progress(block.end - block.offset)
    if reader.incomplete:
        why = (
            f"the last line is incomplete ({reader.incomplete} bytes without an end of line); "
            "it is not counted"
        )
        problem(Problem(source, line, reader.offset, why, incomplete=True))


def _place(found: tuple[int, str]) -> int:
    return found[0]


def read_stream(
    fold: Fold,
    stream: str,
    folder: Path,
    fs: FileSystem,
    *,
    segments: Sequence[Segment] | None = None,
    until: tuple[int, int] | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> Iterator[Segment]:
    """Fold what a stream's folder holds beyond the fold's position; yield each segment first.

    The fold's position is always that of what was folded, also when reading ends with an error.
    What was pruned stands in no segment: a fold begins with its summary, see `projections.summary`.

    Args:
        fold: What the lines are folded into, and where reading goes on from.
        stream: The stream's name.
        folder: Its folder.
        fs: Where the folder is.
        segments: What the folder was listed to hold; listed now if None.
        until: A segment (its first seq) and an offset in it, at which to stop.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes were read.
    """
    begin, begin_offset = fold.position(stream)
    for segment in list_segments(folder, fs) if segments is None else segments:
        first = segment.first_seq
        if begin is not None and first < begin:
            continue
        if until is not None and first > until[0]:
            return
        yield segment
        with open_segment(segment, fs) as file:
            text: RawIOBase | BinaryIO = file
            if until is not None and first == until[0]:
                text = Bounded(file, until[1])
            for end in read_file(
                fold,
                cast("BinaryIO", text),
                str(segment.path),
                offset=(begin_offset or 0) if first == begin else 0,
                folder=stream,
                problem=problem,
                progress=progress,
            ):
                fold.place(stream, first, end)


class Bounded(RawIOBase):
    """The beginning of a file, ``left`` bytes of it."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._left = left

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is left, at most as much as the buffer holds."""
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
