"""Lines as they are written: the log of a data folder, or files, read as they grow.

A stream's lines come in their order, over the ends of its segments, and a file's through its
rotations; between streams and files there is no order.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from events.clock import SystemClock
from events.follow.hints import InotifyHints
from projections.errors import SourceError
from projections.following_files import FilesTail
from projections.following_log import StreamsTail
from projections.following_pipes import open_pipe
from projections.problems import nothing
from projections.same_names import SameNames
from projections.sources import STDIN, find_sources

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.follow.hints import Hints
    from projections.sources import Source

Kind = Literal["stream", "file", "pipe"]
"""What lines come from: a stream of an event log; a file; what is read once, to its end."""
POLL_S = 0.075
"""Seconds between two looks: an outcome is to be seen within a tenth."""
FIND_EVERY = 27
"""Looks between two searches for new streams and files, two seconds: of many, few are new."""


class Follower:
    """Gives each complete line once, with the name of where it stands.

    Overlong lines and blank ones are passed over; an unfinished last line is waited for. Close it
    when done.

    Args:
        paths: See `projections.sources.find_sources`. Streams and files that appear later are
            found too, and read from their start; a file that was named by its own name is followed
            to those that it is rotated to.
        fs: Where they are.
        stdin: What ``-`` means; it is read to its end, however long that takes.
        follow: Whether more is to come; else files are read once, as they are.
        clock: For how long nothing happens in a file or a folder; None: the machine's.
        notice: Told of copies, and of followed files that cannot be read.
        hints: Makes what says which of many streams or files may have changed.
        find_every: At which looks streams and files that are new are searched for.

    Attributes:
        sources: What was there at the beginning.

    Raises:
        SourceError: A path cannot be read; or it is not there, and nothing more is to come.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        fs: FileSystem,
        stdin: BinaryIO,
        follow: bool = True,
        clock: Clock | None = None,
        notice: Callable[[str], None] = nothing,
        hints: Callable[[], Hints] = InotifyHints,
        find_every: int = FIND_EVERY,
    ) -> None:
        self._paths = tuple(paths)
        self._fs = fs
        self._find_every = find_every
        self._looks = 0
        self._names = SameNames()
        self._notice = notice
        self._waited_for: set[str] = set()
        self._again = [text for text in self._paths if text != STDIN]
        clock = clock or SystemClock()
        self._streams = StreamsTail(
            fs=fs, clock=clock, notice=notice if follow else None, hints=hints()
        )
        self._files: FilesTail | None = None
        if follow:
            self._files = FilesTail(fs=fs, clock=clock, notice=notice, hints=hints())
        self.sources = self._find(self._paths)
        self._take(self.sources)
        self._pipes = [
            open_pipe(source, stdin, fs)
            for source in self.sources
            if source.kind in {"stdin", "pipe"} or (source.kind == "file" and not follow)
        ]

    def _find(self, paths: Sequence[str]) -> list[Source]:
        """What is there; what is not there yet is told, and waited for where more is to come."""
        try:
            return find_sources(paths, self._fs)
        except SourceError:
            if self._files is None:
                raise
        there = [text for text in paths if self._is_there(text)]
        return find_sources(there, self._fs)

    def _is_there(self, text: str) -> bool:
        try:
            find_sources([text], self._fs)
        except SourceError as error:
            if isinstance(error.__cause__, OSError):
                raise
            if text not in self._waited_for:
                self._waited_for.add(text)
                self._notice(f"{text} is not there yet; it is waited for")
            return False
        return True

    def _take(self, sources: list[Source]) -> None:
        """Go on with what was found by now."""
        self._streams.found(source.path for source in sources if source.kind == "stream")
        if self._files is None:
            return
        files = [source.path for source in sources if source.kind == "file"]
        own = {Path(text) for text in self._again}
        asked = [path for path in files if path in own]
        # A file that was asked for is not searched for again: it is gone while it is rotated.
        self._again = [text for text in self._again if Path(text) not in asked]
        self._files.asked(asked)
        self._files.found(path for path in files if path not in own)

    @property
    def can_end(self) -> bool:
        """Whether nothing more can come once it was read: there is but standard input."""
        return self._paths == (STDIN,)

    @property
    def waits(self) -> bool:
        """Whether `lines` waits for more where there is none just now: it reads a pipe."""
        return bool(self._pipes)

    def kind(self, name: str) -> Kind:
        """What it is that `lines` gives lines of under this name."""
        if self._streams.has(name):
            return "stream"
        return "pipe" if any(name == pipe.name for pipe in self._pipes) else "file"

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
            pipes: Whether to read what is read once, too: pipes, and files that are not followed.
            keep: Which lines count; None for all. They are looked for in all of a source.

        Returns:
            Lines without their ``\n``, those of one source after those of another.
        """
        found = [*self._streams.newest(limit, keep)]
        if self._files is not None:
            found += self._files.newest(limit, keep)
        for pipe in self._pipes if pipes else ():
            found += deque(filter(keep, pipe.lines()) if keep else pipe.lines(), limit)
        return found

    def lines(self, *, pipes: bool = True) -> Iterator[tuple[str, bytes]]:
        r"""Give what is there and was not given before.

        Args:
            pipes: Whether to read what is read once, too: pipes, and files that are not followed.

        Yields:
            The stream's name or the file's path (of one that is rotated, that of the current file),
            and a line without its ``\n``.
        """
        self._looks += 1
        if self._looks % self._find_every == 0:
            self._find_more()
        yield from self._streams.lines()
        if self._files is not None:
            yield from self._files.lines()
        for pipe in self._pipes if pipes else ():
            for line in pipe.lines():
                yield pipe.name, line

    def _find_more(self) -> None:
        self._streams.listed_anew()
        if self._names.are_there(self._again):
            return
        with suppress(SourceError):  # nothing is there just now, or no more
            sources = self._find(self._again)
            self._names.found(sources)
            self._take(sources)

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
        self._streams.close()
        if self._files is not None:
            self._files.close()
        for pipe in self._pipes:
            pipe.close()
