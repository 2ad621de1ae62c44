"""The lines of an event log's stream, as they are written: in their order, segment by segment."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from events.log.reader import Block, BlockReader
from events.log.segment import list_segments, open_segment
from projections.block_lines import lines_of
from projections.problems import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.log.segment import Segment

_RECENT_SEGMENTS = 2  # the last one may have only just been begun
_TAIL_BYTES = 256
_NOBODY = (-1, -1)  # the identity of no file
_FRESH_NS = 2_000_000_000
"""How long after a folder changed it is listed again though its time stays: some file systems keep
times in steps of two seconds."""


class StreamTail:
    """A stream: at a segment and a place in it, as a position is; no file is kept open.

    Args:
        folder: The stream's folder.
        fs: Where it is.
        clock: Tells for how long the folder has not changed.
        notice: Told of a segment that does not hold what was read of it.

    Attributes:
        name: The stream's name.
    """

    def __init__(
        self, folder: Path, fs: FileSystem, clock: Clock, notice: Callable[[str], None] = nothing
    ) -> None:
        self.name = folder.name
        self._folder = folder
        self._fs = fs
        self._clock = clock
        self._notice = notice
        self._segments: list[Segment] = []
        self._changed: tuple[int, int] | None = None  # the folder's time, and since when it is that
        self._is_listed = False  # and that is what the folder holds as long as it has this time
        self._segment = -1
        self._offset = 0
        self._identity: tuple[int, int] | None = None  # of the file that this is an offset in
        self._tail = b""  # what stands before it
        self._whole: Path | None = None  # a compressed segment that was read to its end

    def newest(self, limit: int, keep: Callable[[bytes], bool] | None) -> deque[bytes]:
        """Give the last lines, and go on behind them; before `lines`.

        Args:
            limit: How many at most.
            keep: Which lines count; they are looked for in all segments. None for all lines, of
                the last segments only.
        """
        recent = self._now()[-_RECENT_SEGMENTS:]
        if recent:  # all of it may be pruned, or gone
            self._segment, self._offset = recent[0].first_seq, 0
        oldest = self._segment
        last = deque(filter(keep, self.lines()) if keep else self.lines(), limit)
        if keep:
            _put_before(last, self._older(oldest), keep)
        return last

    def lines(self) -> Iterator[bytes]:
        """Give what is there and was not given before."""
        # Listed before they are read: so all but the last are sealed.
        for segment in self._now():
            if segment.first_seq < self._segment:
                continue
            if segment.first_seq > self._segment:
                self._segment, self._offset = segment.first_seq, 0
                self._identity, self._tail = None, b""
            elif segment.path == self._whole or not self._has_more(segment):
                continue
            try:
                file = open_segment(segment, self._fs)
            except FileNotFoundError:  # it has just been pruned
                continue
            with file:
                for block in BlockReader(file, offset=self._offset):
                    yield from lines_of([block])
                    self._offset = block.end
                    self._tail = block.data[-_TAIL_BYTES:] if isinstance(block, Block) else b""
            self._whole = segment.path if segment.compression else None

    def listed_anew(self) -> None:
        """List the folder at the next look, whatever its time says."""
        self._is_listed = False

    def _now(self) -> list[Segment]:
        """The segments; listed where they may be others than those of the last time."""
        now_ns = self._clock.monotonic_ns()
        try:
            changed_ns = self._fs.status(self._folder).mtime_ns
        except OSError:  # what comes back may be something else in the same place
            self._identity = _NOBODY
            raise
        if self._changed is None or self._changed[0] != changed_ns:
            self._changed, self._is_listed = (changed_ns, now_ns), False
        if not self._is_listed:
            self._segments = list_segments(self._folder, self._fs)
            self._is_listed = now_ns - self._changed[1] >= _FRESH_NS
        return self._segments

    def _has_more(self, segment: Segment) -> bool:
        if segment.compression:
            return True
        try:
            status = self._fs.status(segment.path)
        except FileNotFoundError:  # it is being compressed
            return True
        identity = status[:2]
        if self._identity not in {None, identity} and not self._holds_what_was_read(segment):
            self._notice(f"{segment.path} was replaced by another file, which is shown whole")
            self._offset = 0
        elif status.size < self._offset:
            self._offset = self._end(segment)
            self._notice(f"{segment.path} was cut; what is written to it from now on is shown")
        self._identity = identity
        return status.size > self._offset

    def _holds_what_was_read(self, segment: Segment) -> bool:
        """Whether it is a copy, such as one that was brought back, and can be read on."""
        with self._fs.open_read(segment.path) as file:
            file.seek(self._offset - len(self._tail))
            return file.read(len(self._tail)) == self._tail

    def _end(self, segment: Segment) -> int:
        """Where its last whole line ends."""
        with self._fs.open_read(segment.path) as file:
            reader = BlockReader(file)
            deque(reader, 0)
            return reader.offset

    def _older(self, oldest: int) -> Iterator[Iterator[bytes]]:
        """Give the lines of each segment that was passed over, the newest segment first."""
        for segment in reversed(list_segments(self._folder, self._fs)):
            if segment.first_seq < oldest:
                with suppress(FileNotFoundError), open_segment(segment, self._fs) as file:
                    yield lines_of(BlockReader(file))


def _put_before(
    last: deque[bytes], older: Iterator[Iterator[bytes]], keep: Callable[[bytes], bool]
) -> None:
    """Fill up the last lines to their limit with those that came before them."""
    while len(last) < (last.maxlen or 0) and (lines := next(older, None)) is not None:
        last.extendleft(reversed(deque(filter(keep, lines), (last.maxlen or 0) - len(last))))
