"""The lines of an event log's streams, as they are written, however many streams there are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.follow.in_turn import InTurn
from projections.following_streams import StreamTail
from projections.problems import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.follow.hints import Hints

_FEW = 25  # streams are all looked at in each look; of more those that rest in turn:
_LOOKS = 13  # one in so many in one look, so that each is looked at once a second


class StreamsTail:
    """The streams of event logs.

    Args:
        fs: Where they are.
        clock: For how long nothing happens in a folder.
        notice: Told of streams that cannot be read, which are waited for; None: that is an error.
        hints: Say which of many may have changed.
    """

    def __init__(
        self,
        *,
        fs: FileSystem,
        clock: Clock,
        notice: Callable[[str], None] | None,
        hints: Hints,
    ) -> None:
        self._hints = hints
        self._fs = fs
        self._clock = clock
        self._notice = notice
        self._streams: dict[Path, StreamTail] = {}
        self._turns: InTurn[StreamTail] = InTurn()
        self._told: dict[StreamTail, str] = {}  # why one cannot be read

    def has(self, name: str) -> bool:
        """Whether one of them is called so."""
        return any(name == stream.name for stream in self._streams.values())

    def found(self, folders: Iterable[Path]) -> None:
        """Take note of what there is; of those that are new all lines are given."""
        for folder in folders:
            if folder not in self._streams:
                tail = StreamTail(folder, self._fs, self._clock, self._notice or nothing)
                self._streams[folder] = tail
        if self._notice is not None and len(self._streams) > _FEW:
            self._hints.watch(map(str, self._streams))
        self._turns.set(self._streams.values())

    def listed_anew(self) -> None:
        """List all folders when they are looked at next."""
        for stream in self._streams.values():
            stream.listed_anew()

    def newest(self, limit: int, keep: Callable[[bytes], bool] | None) -> Iterator[bytes]:
        """Give the last lines of each, as `StreamTail.newest`."""
        for stream in self._streams.values():
            yield from stream.newest(limit, keep)

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """Give what is there and was not given before, with the stream's name.

        Of many streams only those are looked at that gave something lately, and some of the others.
        """
        for folder in {os.path.dirname(path) for path in self._hints.changed()}:  # noqa: PTH120
            if (hinted := self._streams.get(Path(folder))) is not None:
                self._turns.woke(hinted)
        count = len(self._streams)
        for stream in self._turns.next(count if count <= _FEW else -(-count // _LOOKS)):
            for line in self._lines_of(stream):
                yield stream.name, line

    def close(self) -> None:
        """Ask for no more hints. Again: no effect."""
        self._hints.close()

    def _lines_of(self, stream: StreamTail) -> Iterator[bytes]:
        """What came in one; if it cannot be read, that is told once, and it is waited for."""
        gave = False
        try:
            for line in stream.lines():
                gave = True
                yield line
        except (OSError, EventsError) as error:
            if self._notice is None:
                raise
            text = f"the log of stream {stream.name!r} cannot be read further: {error}"
            if self._told.get(stream) != text:
                self._told[stream] = text
                self._notice(f"{text}; trying again")
        else:
            self._told.pop(stream, None)
        if gave:
            self._turns.woke(stream)
