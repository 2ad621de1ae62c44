"""The lines of what is read once, to its end: pipes, and files that are not followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from events.log.reader import BlockReader
from events.log.segment import open_segment, open_source, parse_segment
from projections.block_lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.filesystem import FileSystem
    from projections.sources import Source


class Pipe:
    """Something that is read to its end, once.

    Args:
        file: It.
        name: What it is called.
        owned: Whether to close it with the pipe.
    """

    def __init__(self, file: BinaryIO, name: str, *, owned: bool = False) -> None:
        self.name = name
        self._file = file
        self._owned = owned
        self._reader = BlockReader(file)

    def lines(self) -> Iterator[bytes]:
        """Give what was not given before; of a pipe as it comes."""
        return lines_of(self._reader)

    def close(self) -> None:
        """Let go of it. Again: no effect."""
        if self._owned:
            self._file.close()


def open_pipe(source: Source, stdin: BinaryIO, fs: FileSystem) -> Pipe:
    """Open a source.

    Args:
        source: What.
        stdin: What standard input is.
        fs: Where files are.

    Raises:
        EventsError: It is no file that can be read.
        OSError: It cannot be opened.
    """
    if source.kind == "stdin":
        return Pipe(stdin, "standard input")
    name = str(source.path)
    if source.kind == "pipe":
        return Pipe(source.path.open("rb"), name, owned=True)
    segment = parse_segment(source.path)
    if segment is not None:  # it may just have been compressed
        return Pipe(open_segment(segment, fs), name, owned=True)
    return Pipe(open_source(source.path, fs), name, owned=True)
