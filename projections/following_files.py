"""The lines of files, as they are written: each once, through all rotations.

Which files those are, and how far they were read, is for `events.follow.watch`, as with what is
ingested.
"""

from __future__ import annotations

import os
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from events.follow.names import parse_name
from events.follow.places import Named, log_key
from events.follow.watch import Watch
from projections.block_lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.follow.hints import Hints

_FEW = 25  # files are all looked at in each look; of more those that rest once a second


class FilesTail:
    """Files, and those that they are rotated to.

    Args:
        fs: Where they are.
        clock: For how long nothing happens in a file.
        notice: Told of copies, and of files that cannot be read.
        hints: Say which of many may have changed.
    """

    def __init__(
        self,
        *,
        fs: FileSystem,
        clock: Clock,
        notice: Callable[[str], None],
        hints: Hints,
    ) -> None:
        self._hints = hints
        self._hinted = False  # whether there were so many that hints were asked for
        self._asked: list[Named] = []
        self._found: list[Named] = []
        self._names: dict[str, str] = {}
        self._watch = Watch(
            lambda: self._asked + self._found,
            fs=fs,
            clock=clock,
            follow=True,
            notice=notice,
        )

    def asked(self, paths: Iterable[Path]) -> None:
        """Read more files, which were asked for by their own names; they may be gone meanwhile."""
        new = [Named(path, with_rotated=True) for path in paths]
        self._asked += new
        self._name(new)

    def found(self, paths: Iterable[Path]) -> None:
        """Take note of the files that folders and globs give now; those that are new are read."""
        # Not every glob matches what files are renamed to.
        found = [Named(path, with_rotated=True) for path in paths]
        if found != self._found:
            self._found = found
            self._name(found)

    def _name(self, files: list[Named]) -> None:
        """Note how each log is called: by its current file, if that is among those read."""
        if self._hinted:
            self._ask_for_hints()
        oldest_first = sorted(files, key=lambda named: parse_name(named.path.name).order)
        for path, _ in oldest_first:
            self._names[log_key(os.fspath(path))] = str(path)

    def _ask_for_hints(self) -> None:
        self._hinted = True
        self._hints.watch({os.path.dirname(named.path) for named in self._asked + self._found})  # noqa: PTH120 - as it is named

    def newest(self, limit: int, keep: Callable[[bytes], bool] | None) -> Iterator[bytes]:
        """Give the last lines of each log, and go on behind them; before `lines`.

        Args:
            limit: How many of each at most.
            keep: Which lines count; None for all.
        """
        last: dict[str, deque[bytes]] = defaultdict(lambda: deque(maxlen=limit))
        for name, line in self.lines():
            if keep is None or keep(line):
                last[name].append(line)
        for lines in last.values():
            yield from lines

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """Give what is there and was not given before, with the name of its log."""
        if self._watch.places > _FEW and not self._hinted:
            self._ask_for_hints()
        self._watch.hint(self._hints.changed())
        count = self._watch.places
        for read in self._watch.look(count if count <= _FEW else 0):
            name = self._names.get(read.log, read.log)
            for line in lines_of([read.block]):
                yield name, line

    def close(self) -> None:
        """Let go of all files. Again: no effect."""
        self._hints.close()
        self._watch.close()
