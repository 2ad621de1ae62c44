"""Lines as they are written: the log of a data folder, or files, read as they grow.

A stream's lines come in their order, over the ends of its segments; between streams there is no
order. What is added to a file that another program rotates is read to its end before the file
that took its place; what came and went between two looks is not seen.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Protocol

from events.log.reader import Block, BlockReader
from events.log.segment import list_segments, open_segment, open_source, parse_segment
from projections.errors import SourceError
from projections.fold import is_empty
from projections.sources import find_sources, source_name

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.sources import Source

POLL_S = 0.25
FIND_EVERY = 8
"""Looks between two searches for new streams and files: of many, few are new."""
_RECENT_SEGMENTS = 2  # the last one may have only just been begun


class Follower:
    """Gives each complete line once, with the name of where it stands.

    Overlong lines and blank ones are passed over; an unfinished last line is waited for. Close it
    when done.

    Args:
        paths: See `projections.sources.find_sources`. Streams and files that appear later are
            found too, and read from their start.
        fs: Where they are.
        stdin: What ``-`` means; it is read to its end, however long that takes.
        find_every: At which looks streams and files that are new are searched for.

    Raises:
        SourceError: A path cannot be read.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        fs: FileSystem,
        stdin: BinaryIO,
        find_every: int = FIND_EVERY,
    ) -> None:
        self._paths = tuple(paths)
        self._fs = fs
        self._stdin = stdin
        self._find_every = find_every
        self._looks = 0
        self._tails = {source: self._tail(source) for source in find_sources(self._paths, fs)}

    def _tail(self, source: Source) -> _Tail:
        if source.kind == "stream":
            return _StreamTail(source.path, self._fs)
        if source.kind == "stdin":
            return _PipeTail(self._stdin, "standard input")
        if source.kind == "pipe":
            return _PipeTail(source.path.open("rb"), str(source.path), owned=True)
        return _FileTail(source.path, self._fs)

    @property
    def can_end(self) -> bool:
        """Whether nothing more can come once it was read: there is but standard input."""
        return self._paths == ("-",)

    def newest(
        self,
        limit: int,
        *,
        pipes: bool = True,
        keep: Callable[[bytes], bool] | None = None,
    ) -> list[bytes]:
        r"""Give the last lines of each source, and go on behind them; before `lines`.

        Args:
            limit: How many lines of each at most.
            pipes: Whether to read pipes, too, to their ends.
            keep: Which lines count; None for all. They are looked for in all of a source.

        Returns:
            Lines without their ``\n``, those of one source after those of another.
        """
        found: list[bytes] = []
        for tail in self._tails.values():
            if pipes or not isinstance(tail, _PipeTail):
                tail.pass_over_old()
                last = deque((line for line in tail.lines() if not keep or keep(line)), limit)
                if keep and isinstance(tail, _StreamTail):
                    _put_before(last, tail.older(), keep)
                found += last
        return found

    def lines(self, *, pipes: bool = True) -> Iterator[tuple[str, bytes]]:
        r"""Give what is there and was not given before.

        Args:
            pipes: Whether to read pipes, too, to their ends.

        Yields:
            The stream's name or the file's path, and a line without its ``\n``.
        """
        self._looks += 1
        if self._looks % self._find_every == 0:
            self._find_more()
        for tail in self._tails.values():
            if pipes or not isinstance(tail, _PipeTail):
                for line in tail.lines():
                    yield tail.name, line

    def _find_more(self) -> None:
        try:
            sources = find_sources(self._paths, self._fs)
        except SourceError:  # a file may be gone for a moment: it is being rotated
            return
        known = {source_name(source) for source in self._tails}
        for source in sources:
            if source_name(source) not in known:  # a segment that was compressed was given
                self._tails[source] = self._tail(source)

    def follow(
        self, stop: threading.Event, poll_s: float = POLL_S
    ) -> Iterator[Iterator[tuple[str, bytes]]]:
        """Look again and again, until asked to stop, or nothing more can come.

        Args:
            stop: Set it to end: one last look is given then. A wait ends at once.
            poll_s: Seconds between two looks.

        Yields:
            What `lines` gives at each look; to be read before the next one.
        """
        stopping = False
        while not stopping:
            stopping = stop.is_set() or self.can_end
            yield self.lines()
            if not stopping:
                stop.wait(poll_s)

    def close(self) -> None:
        """Let go of all files. Again: no effect."""
        for tail in self._tails.values():
            tail.close()


class _Tail(Protocol):
    """One source, and how far it was read."""

    name: str

    def lines(self) -> Iterator[bytes]: ...

    def pass_over_old(self) -> None: ...

    def close(self) -> None: ...


class _StreamTail:
    """A stream: at a segment and a place in it, as a position is; no file is kept open."""

    def __init__(self, folder: Path, fs: FileSystem) -> None:
        self.name = folder.name
        self._folder = folder
        self._fs = fs
        self._segment = -1
        self._offset = 0
        self._oldest = -1  # the first segment that was not passed over
        self._whole: Path | None = None  # a compressed segment that was read to its end

    def lines(self) -> Iterator[bytes]:
        # Listed before they are read: so all but the last are sealed.
        for segment in list_segments(self._folder, self._fs):
            if segment.first_seq < self._segment:
                continue
            if segment.first_seq > self._segment:
                self._segment, self._offset = segment.first_seq, 0
            elif segment.path == self._whole or not self._has_more(segment):
                continue
            try:
                file = open_segment(segment, self._fs)
            except FileNotFoundError:  # it has just been pruned
                continue
            with file:
                for block in BlockReader(file, offset=self._offset):
                    if isinstance(block, Block):
                        yield from _split(block.data)
                    self._offset = block.end
            self._whole = segment.path if segment.compression else None

    def _has_more(self, segment: Segment) -> bool:
        if segment.compression:
            return True
        with suppress(FileNotFoundError):  # it is being compressed
            return self._fs.size(segment.path) > self._offset
        return True

    def pass_over_old(self) -> None:
        recent = list_segments(self._folder, self._fs)[-_RECENT_SEGMENTS:]
        if recent:  # all of it may be pruned, or gone
            self._segment, self._offset = recent[0].first_seq, 0
        self._oldest = self._segment

    def older(self) -> Iterator[Iterator[bytes]]:
        """Give the lines of each segment that was passed over, the newest segment first."""
        for segment in reversed(list_segments(self._folder, self._fs)):
            if segment.first_seq < self._oldest:
                with suppress(FileNotFoundError), open_segment(segment, self._fs) as file:
                    yield _read(BlockReader(file))

    def close(self) -> None:
        pass


class _FileTail:
    """A file by its name: when another file has taken its place, that one is read too."""

    def __init__(self, path: Path, fs: FileSystem) -> None:
        self.name = str(path)
        self._path = path
        self._fs = fs
        self._open()

    def _open(self) -> None:
        segment = parse_segment(self._path)
        if segment is not None:
            self._file = open_segment(segment, self._fs)
        else:
            self._file = open_source(self._path, self._fs)
        self._identity: tuple[int, int] | None = None
        with suppress(FileNotFoundError):  # a segment that has just been compressed
            self._identity = self._fs.identity(self._path)
        self._reader = BlockReader(self._file)

    def lines(self) -> Iterator[bytes]:
        yield from _read(self._reader)
        try:
            moved = self._fs.identity(self._path) != self._identity
            cut = self._file.seekable() and self._fs.size(self._path) < self._reader.offset
        except FileNotFoundError:
            return  # between the two steps of a rotation
        if moved or cut:
            yield from _read(self._reader)  # what was written before it was moved
            self.close()
            self._open()
            yield from _read(self._reader)

    def pass_over_old(self) -> None:
        pass

    def close(self) -> None:
        self._file.close()


class _PipeTail:
    """A pipe, to its end."""

    def __init__(self, file: BinaryIO, name: str, *, owned: bool = False) -> None:
        self.name = name
        self._file = file
        self._owned = owned
        self._reader = BlockReader(file)

    def lines(self) -> Iterator[bytes]:
        return _read(self._reader)

    def pass_over_old(self) -> None:
        pass

    def close(self) -> None:
        if self._owned:
            self._file.close()


def _put_before(
    last: deque[bytes], older: Iterator[Iterator[bytes]], keep: Callable[[bytes], bool]
) -> None:
    """Fill up the last lines to their limit with those that came before them."""
    while len(last) < (last.maxlen or 0) and (lines := next(older, None)) is not None:
        last.extendleft(reversed(deque(filter(keep, lines), (last.maxlen or 0) - len(last))))


def _read(reader: BlockReader) -> Iterator[bytes]:
    for block in reader:
        if isinstance(block, Block):
            yield from _split(block.data)


def _split(data: bytes) -> Iterator[bytes]:
    return (line for line in data.split(b"\n") if not is_empty(line))
