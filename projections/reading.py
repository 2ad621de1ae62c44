"""Feeding the fold from files: one segment, one stream, or lines from anywhere."""

from __future__ import annotations

from functools import partial
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from events.log.compression import is_decompressed
from events.log.reader import BLOCK_BYTES, BlockReader, Overlong
from events.log.segment import list_segments, open_segment
from projections.parallel.ahead import ahead
from projections.parallel.tallied import tallied
from projections.problems import Numbered, Problem, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.reader import Block
    from events.log.segment import Segment
    from events.reporting import Report
    from projections.fold import Fold
    from projections.parallel.head_start import HeadStart

_PACKED_BYTES = 1 << 22


def read_file(
    fold: Fold,
    file: BinaryIO,
    source: str,
    *,
    offset: int = 0,
    folder: str | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
    begun: HeadStart | None = None,
    at_once: int | None = None,
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
        begun: Is taken up, where it is of this file, without a folder and an offset.
        at_once: How many parts of a plain file are tallied at the same time; None: one a processor.

    Yields:
        The end of the lines folded so far. Until then, they and no others are in the fold.
    """
    line = 1 if offset == 0 else None
    parts = tallied(file, offset, folder, begun, at_once)
    if parts is not None:
        numbered = Numbered(source, line, problem)
        for part, text in parts:
            fold.groups(part.groups, text, part.offset, folder=folder, report=numbered.report)
            offset = part.end
            yield offset
            numbered.tell(part.offset, part.lines, partial(_ends_before, text))
            progress(part.end - part.offset)
        line, file = numbered.line, parts.rest

    def take(block: Block | Overlong, report: Report) -> int:
        if isinstance(block, Overlong):
            fold.overlong(block.offset, block.length, folder=folder, report=report)
            return 1
        return fold.lines(block.data, block.offset, folder=folder, report=report)

    yield from read_blocks(
        take, file, source, offset=offset, line=line, problem=problem, progress=progress
    )


def _ends_before(text: Callable[[int, int], bytes], size: int) -> int:
    return text(0, size).count(b"\n")


def read_blocks(
    take: Callable[[Block | Overlong, Report], int | None],
    file: BinaryIO,
    source: str,
    *,
    offset: int = 0,
    line: int | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> Iterator[int]:
    """Hand the lines of an open file on, block by block.

    Args:
        take: Takes each block, tells the report of each invalid line, and may say how many lines it
            has: where they are counted anyway.
        file: The uncompressed text, from its start.
        source: The file's name, for problems.
        offset: Where to begin.
        line: The number of the line there, where ``offset`` is not 0; None: it is not known.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes of text were read, as they are read.

    Yields:
        The end of the lines taken so far.
    """
    packed = is_decompressed(file)
    reader = BlockReader(file, offset, _PACKED_BYTES if packed else BLOCK_BYTES)
    numbered = Numbered(source, 1 if offset == 0 else line, problem)
    # What has to be decompressed is, while the lines before it are taken.
    for block in ahead(reader) if packed else reader:
        lines = take(block, numbered.report)
        yield block.end
        data = b"\n" if isinstance(block, Overlong) else block.data
        if lines is None:
            lines = data.count(b"\n")
        numbered.tell(block.offset, lines, partial(data.count, b"\n", 0))
        progress(block.end - block.offset)
    if reader.incomplete:
        why = (
            f"the last line is incomplete ({reader.incomplete} bytes without an end of line); "
            "it is not counted"
        )
        problem(Problem(source, numbered.line, reader.offset, why, incomplete=True))


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
