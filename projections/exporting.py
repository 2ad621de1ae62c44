"""Reading our outcomes from any files, to write them as lines of another program."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, BinaryIO

from msgspec import UNSET

from events.codec import decode
from events.errors import EventsError, InvalidLineError
from events.json_text import is_blank
from events.log.reader import BlockReader, Overlong
from events.log.segment import open_segment, open_source, parse_segment
from events.model import OUTCOMES
from projections.errors import SourceError
from projections.problems import Problem, nothing
from projections.seqs import SeqSet, size
from projections.sources import find_sources
from projections.summary import list_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from events.filesystem import FileSystem
    from events.formats.export.exporter import Exporter
    from events.log.reader import Block
    from events.model import Line
    from projections.sources import Source


class Exporting:
    """Iterating once gives the lines of the other format, in blocks.

    Each outcome that has a stream and a seq is written once, wherever it stands.

    Args:
        paths: See `projections.sources.find_sources`.
        exporter: What writes the lines.
        stdin: What ``-`` means.
        fs: Where the paths are.
        problem: Told of each invalid line, which is passed over, and of unfinished last ones.
        progress: Told how many bytes of text were read, as they are read.

    Attributes:
        written: Outcomes that were written so far.
        left_out: Outcomes for which the format has no line.
        pruned: Events that were pruned of the streams: they stand in no line any more.
    """

    def __init__(
        self,
        paths: Sequence[str],
        exporter: Exporter,
        *,
        stdin: BinaryIO,
        fs: FileSystem,
        problem: Callable[[Problem], None] = nothing,
        progress: Callable[[int], None] = nothing,
    ) -> None:
        self.written = 0
        self.left_out = 0
        self.pruned = 0
        self._paths = paths
        self._exporter = exporter
        self._stdin = stdin
        self._fs = fs
        self._problem = problem
        self._progress = progress
        self._seen: dict[str, SeqSet] = {}

    def __iter__(self) -> Iterator[bytes]:
        """Read.

        Raises:
            SourceError: A path cannot be read.
            SummaryError: What was pruned of a stream cannot be believed.
        """
        for source in find_sources(self._paths, self._fs):
            name = "standard input" if source.kind == "stdin" else str(source.path)
            try:
                yield from (
                    self._stream(source)
                    if source.kind == "stream"
                    else self._file(name, self._open(source))
                )
            except EventsError as error:  # it names the file
                raise SourceError(str(error)) from error
            except OSError as error:
                where = error.filename or name
                raise SourceError(f"{where} cannot be read: {error.strerror or error}") from error

    def _open(self, source: Source) -> AbstractContextManager[BinaryIO]:
        if source.kind == "stdin":
            return nullcontext(self._stdin)
        if source.kind == "pipe":
            return source.path.open("rb")
        segment = parse_segment(source.path)
        if segment is None:
            return open_source(source.path, self._fs)
        return open_segment(segment, self._fs)

    def _stream(self, source: Source) -> Iterator[bytes]:
        summary, segments = list_kept(source.path, self._fs)
        if summary is not None:
            self.pruned += size(summary.entry.seen)
        for segment in segments:
            file = open_segment(segment, self._fs)
            yield from self._file(str(segment.path), file, source.path.name)

    def _file(
        self, name: str, opened: AbstractContextManager[BinaryIO], folder: str | None = None
    ) -> Iterator[bytes]:
        number = 1  # of the next line
        with opened as file:
            reader = BlockReader(file)
            for block in reader:
                if isinstance(block, Overlong):
                    why = f"the line is {block.length} bytes long, more than the limit of 1 MiB"
                    self._problem(Problem(name, number, block.offset, why))
                    number += 1
                else:
                    lines = self._lines(name, number, block, folder)
                    number += block.data.count(b"\n")
                    if lines:
                        yield lines
                self._progress(block.end - block.offset)
            if reader.incomplete:
                why = (
                    f"the last line is incomplete ({reader.incomplete} bytes without an end of "
                    "line); it is not exported"
                )
                self._problem(Problem(name, number, reader.offset, why, incomplete=True))

    def _lines(self, name: str, number: int, block: Block, folder: str | None) -> bytes:
        written: list[bytes] = []
        at = block.offset
        for place, line in enumerate(block.data.split(b"\n")):
            try:
                event = decode(line)
                _belongs(event, folder)
            except InvalidLineError as error:
                if not is_blank(line):
                    self._problem(Problem(name, number + place, at, error.reason))
            else:
                if self._is_new(event) and event.event in OUTCOMES:
                    written += self._written(event)
            at += len(line) + 1
        return b"".join(written)

    def _is_new(self, event: Line) -> bool:
        if event.stream is UNSET or event.seq is UNSET:
            return True
        return self._seen.setdefault(event.stream, SeqSet()).add(event.seq)

    def _written(self, event: Line) -> list[bytes]:
        line = self._exporter.line(event)
        if line is None:
            self.left_out += 1
            return []
        self.written += 1
        return [line]


def _belongs(event: Line, folder: str | None) -> None:
    """Refuse a line that stands in another stream's folder, as the fold does.

    Raises:
        InvalidLineError: It does.
    """
    if folder is None or event.stream == folder:
        return
    if event.stream is not UNSET:
        raise InvalidLineError(f"the line is of stream {event.stream!r}, the folder of {folder!r}")
    if event.event in OUTCOMES:
        raise InvalidLineError(f"an outcome without stream and seq in the folder of {folder!r}")
