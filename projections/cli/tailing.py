"""The newest lines of logs, and those that come: what `syncstats tail` reads."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, BinaryIO, Protocol

from events.log.reader import Block, BlockReader
from events.log.segment import list_segments, open_segment, open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment

_RECENT_SEGMENTS = 2  # the last one may have only just been begun


class Tail(Protocol):
    """Something whose lines are read as they come."""

    def lines(self) -> Iterator[bytes]:
        """Give the whole lines that were not given before; ends where there are no more yet."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class StreamTail:
    """A stream of an event log, from one of its last segments on.

    Args:
        folder: The stream's folder.
        fs: Where it is.
    """

    def __init__(self, folder: Path, fs: FileSystem) -> None:
        self._folder = folder
        self._fs = fs
        self._segment: Segment | None = None
        self._file: BinaryIO | None = None
        self._reader: BlockReader | None = None

    def lines(self) -> Iterator[bytes]:
        """Give new lines, over the ends of segments."""
        while True:
            segments = list_segments(self._folder, self._fs)
            if self._reader is not None:
                yield from _lines(self._reader)
            # Listed before the last one was read to its end: so it was sealed already.
            following = self._following(segments)
            if following is None:
                return
            self.close()
            self._segment = following
            self._file = open_segment(following, self._fs)
            self._reader = BlockReader(self._file)

    def _following(self, segments: list[Segment]) -> Segment | None:
        if self._segment is None:
            return segments[-_RECENT_SEGMENTS:][0] if segments else None
        now = self._segment.first_seq
        return next((each for each in segments if each.first_seq > now), None)

    def close(self) -> None:
        """Let go of the segment."""
        if self._file is not None:
            self._file.close()
        self._file = self._reader = None


class FileTail:
    """A file by its name: when another file has taken its place, that one is read too.

    Args:
        path: The file; a compressed one is read once.
        fs: Where it is.
    """

    def __init__(self, path: Path, fs: FileSystem) -> None:
        self._path = path
        self._fs = fs
        self._open()

    def _open(self) -> None:
        self._file = open_source(self._path, self._fs)
        self._identity = self._fs.identity(self._path)
        self._reader = BlockReader(self._file)

    def lines(self) -> Iterator[bytes]:
        """Give new lines; after a rotation or a cut also those of what stands there now."""
        yield from _lines(self._reader)
        try:
            moved = self._fs.identity(self._path) != self._identity
            shorter = self._file.seekable() and self._fs.size(self._path) < self._reader.offset
        except FileNotFoundError:
            return  # between the two steps of a rotation
        if moved or shorter:
            self.close()
            self._open()
            yield from _lines(self._reader)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class PipeTail:
    """Standard input, to its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._reader = BlockReader(file)

    def lines(self) -> Iterator[bytes]:
        """Give its lines as they come."""
        return _lines(self._reader)

    def close(self) -> None:
        """Nothing: it is not ours to close."""


def newest(tail: Tail, limit: int) -> list[bytes]:
    """Read to the present end, and keep the last lines.

    Args:
        tail: What is read.
        limit: How many lines at most.
    """
    return list(deque(tail.lines(), maxlen=limit))


def _lines(reader: BlockReader) -> Iterator[bytes]:
    for block in reader:
        if isinstance(block, Block):
            for line in block.data.split(b"\n"):
                if line and not line.isspace():
                    yield line
