"""The descriptors of a follower: those used last stay open, so that what is removed is finished."""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from events.follow.texts import OpenText

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.filesystem import FileSystem
    from events.follow.tracked import Tracked

_SHARE = 4  # of the process's descriptors, one in so many


class MovedError(Exception):
    """Another file stands at the path than the one that was to be opened."""


class OpenFiles:
    """Opens files when they are read, and closes those that were not used for the longest time.

    Args:
        fs: Where they are.
        most: How many may be open; never more than a quarter of what the system allows.
        let_go: Closes a file that has no name any more, for want of descriptors.
        notice: Told, of each file once, that it cannot be synced.

    Attributes:
        pinned: A file that is not to be closed now, whatever else is opened.
    """

    def __init__(
        self,
        fs: FileSystem,
        most: int,
        let_go: Callable[[Tracked], None],
        notice: Callable[[str], None],
    ) -> None:
        self._fs = fs
        self._most = max(2, min(most, _allowed()))  # two are compared
        self._let_go = let_go
        self._notice = notice
        self._open: OrderedDict[Tracked, None] = OrderedDict()
        self._read: set[Tracked] = set()
        self.pinned: Tracked | None = None

    def get(self, file: Tracked) -> OpenText:
        """The file, open.

        Raises:
            MovedError: Its name leads to another file, or it has none.
            EventsError: It is no regular file.
            OSError: It cannot be opened.
        """
        if file.text is not None:
            self._open.move_to_end(file)
            return file.text
        if not file.places:
            raise MovedError
        text = OpenText(Path(file.places[0].path), self._fs)
        try:
            status = text.status()
        except OSError:
            text.close()
            raise
        if (status.device, status.inode) != file.identity:
            text.close()
            raise MovedError
        file.text, file.checked = text, False
        self._open[file] = None
        self._make_room(file)
        return text

    def was_read(self, file: Tracked) -> None:
        """Something of it was handed out: it is to be on the disk before that is saved."""
        self._read.add(file)

    def close(self, file: Tracked) -> None:
        """Close a file, if it is open."""
        if file.text is not None:
            if file in self._read:
                self._sync(file, file.text)
                self._read.discard(file)
            file.text.close()
            file.text = None
            del self._open[file]

    def sync(self) -> None:
        """Return when all that was handed out is on the disk, as far as that can be done."""
        for file in self._read:
            if file.text is not None:
                self._sync(file, file.text)
        self._read.clear()

    def _sync(self, file: Tracked, text: OpenText) -> None:
        """Bring a file to the disk; one that fails must not keep the others from being saved.

        Nothing is gained by trying it again: what the system could not write, it takes for written.
        """
        try:
            text.sync()
        except OSError as error:
            if not file.unsynced:
                file.unsynced = True
                self._notice(
                    f"{file.path} cannot be synced: {error.strerror or error}; a power cut may "
                    "lose what was counted of it"
                )

    def close_all(self) -> None:
        """Close what is open; nothing is synced."""
        self._read.clear()
        for file in [*self._open]:
            self.close(file)

    def _make_room(self, file: Tracked) -> None:
        while len(self._open) > self._most:
            others = (one for one in self._open if one is not file and one is not self.pinned)
            closed = first = next(others)
            while not closed.places and (other := next(others, None)) is not None:
                closed = other
            if not closed.places:  # none but such that have no name any more
                closed = first
                self._let_go(closed)
            else:
                self.close(closed)


def _allowed() -> int:
    if sys.platform == "win32":
        return 512 // _SHARE
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft // _SHARE
