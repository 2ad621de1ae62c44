"""Bringing what was read of a log to the disk, before anything is saved that counts it."""

from __future__ import annotations

import errno
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.log.segment import list_segments
from projections.errors import ProjectionError

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem

_LOSSES = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT})
"""Errors of fdatasync after which written pages may be gone, and a second call succeed."""


@dataclass(frozen=True)
class _Dropped:
    """A segment whose sync failed, so that memory may show what the disk does not hold.

    Attributes:
        why: What to say of it.
        identity: Which file it was.
    """

    why: str
    identity: tuple[int, int]


class ReadSegments:
    """The plain segments of which lines were read, and may not be on the disk.

    Args:
        fs: Where they are.
    """

    def __init__(self, fs: FileSystem) -> None:
        self._fs = fs
        self._unsynced: set[Path] = set()
        self._dropped: dict[Path, _Dropped] = {}

    def add(self, path: Path) -> None:
        """Note that a segment was read."""
        self._unsynced.add(path)

    def sync(self) -> None:
        """Bring them to the disk, their names too.

        Raises:
            ProjectionError: One cannot be brought there. Where it may have been dropped from memory
                instead, another try would succeed, and lie. So this raises for as long as the
                segment is its stream's newest one: before its writer begins the next, it has
                brought all to the disk itself, or it writes what is missing again.
        """
        for path, dropped in list(self._dropped.items()):
            if not self._is_made_good(path, dropped):
                raise ProjectionError(dropped.why)
            del self._dropped[path]
        for path in sorted(self._unsynced):
            try:
                self._fs.sync_file(path)
                # The name too: a writer that goes on after an error renames, and then syncs it.
                self._fs.sync_folder(path.parent)
            except FileNotFoundError:
                pass  # compressed since, and that is on disk before the plain file goes; or pruned
            except OSError as error:
                raise self._failure(path, error) from error
            self._unsynced.discard(path)

    def _failure(self, path: Path, error: OSError) -> ProjectionError:
        why = f"{path} cannot be brought to disk: {error.strerror}"
        if error.errno in _LOSSES:
            why = (
                f"{why}; what was read of it may be in memory alone, so no stats are saved until "
                "its worker has begun another segment"
            )
            with suppress(OSError):
                self._dropped[path] = _Dropped(why, self._fs.identity(path))
                self._unsynced.discard(path)
        return ProjectionError(why)

    def _is_made_good(self, path: Path, dropped: _Dropped) -> bool:
        """Whether what a failed sync may have dropped has been written again, or was not dropped.

        It is gone, or another file has taken its place, or a newer segment was begun.
        """
        try:
            if self._fs.identity(path) != dropped.identity:
                self._unsynced.add(path)
                return True
            newest = list_segments(path.parent, self._fs)[-1:]
        except FileNotFoundError:
            return True
        return [segment.path for segment in newest] != [path]
