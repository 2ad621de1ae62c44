"""Which files of a media library have a name, without walking it for every question."""

from __future__ import annotations

import os
import stat
import threading
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from events.clock import SystemClock

if TYPE_CHECKING:
    from events.clock import Clock

# What NAS systems put beside the user's own files; media servers leave it out, too.
_LEFT_OUT = frozenset({"@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "lost+found"})
# File systems note changes no finer than this: a folder that changed as late before we listed it
# may have changed again without showing it.
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class _Folder:
    state: tuple[int, ...]
    is_settled: bool
    files: tuple[str, ...]
    subfolders: tuple[str, ...]


class LibraryIndex:
    """The names of a library's files. Thread-safe.

    Read when it is first asked. Every later question looks at the folders' own times, and reads
    again those that changed, so that no answer is old.

    Args:
        library: The library's folder, resolved.
        clock: Tells how fresh a folder's last change is.
    """

    def __init__(self, library: Path, clock: Clock | None = None) -> None:
        self._library = str(library)
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._folders: dict[str, _Folder] = {}
        self._places: defaultdict[str, set[str]] = defaultdict(set)

    def find(self, name: str) -> list[Path]:
        """The files called ``name``, sorted; a file reached by several links stands once.

        Links are followed as long as they stay inside the library. Names that differ only in how
        Unicode composes their characters are the same.

        Raises:
            OSError: The library's folder cannot be read.
        """
        with self._lock:
            self._refresh()
            places = sorted(self._places.get(_key(name), ()))
        found: dict[str, Path] = {}
        for place in places:
            target = os.path.realpath(place)
            is_better = target not in found or target == place
            if is_better and is_inside(target, self._library) and Path(target).is_file():
                found[target] = Path(place)
        return sorted(found.values())

    def _refresh(self) -> None:
        """Read the folders that changed."""
        seen: set[str] = set()
        waiting = [self._library]
        while waiting:
            path = waiting.pop()
            folder = self._current(path)
            if folder is not None:
                seen.add(path)
                waiting += (_join(path, name) for name in folder.subfolders)
        for path in self._folders.keys() - seen:
            self._forget(path)

    def _current(self, path: str) -> _Folder | None:
        """The folder at ``path`` as it is now; None if it is gone or cannot be read."""
        try:
            status = os.lstat(path)
            state = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
            known = self._folders.get(path)
            if known is not None and known.is_settled and known.state == state:
                return known
            if not stat.S_ISDIR(status.st_mode):
                return None
            age_ns = self._clock.now_us() * 1_000 - status.st_mtime_ns
            folder = _list(path, state, is_settled=age_ns > _SETTLED_NS)
        except OSError:
            if path == self._library:
                raise
            return None
        self._forget(path)
        self._folders[path] = folder
        for name in folder.files:
            self._places[_key(name)].add(_join(path, name))
        return folder

    def _forget(self, path: str) -> None:
        folder = self._folders.pop(path, None)
        for name in folder.files if folder else ():
            places = self._places[_key(name)]
            places.discard(_join(path, name))
            if not places:
                del self._places[_key(name)]


def is_inside(path: str, folder: str) -> bool:
    """Whether ``path`` lies in ``folder``; both absolute, and as free of links as it matters."""
    return path.startswith(folder.rstrip("/") + "/")


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"  # a tenth of the time that a Path takes


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _list(path: str, state: tuple[int, ...], *, is_settled: bool) -> _Folder:
    """Read one folder; hidden entries are left out, linked folders not entered."""
    files: list[str] = []
    subfolders: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _LEFT_OUT:
                continue
            if entry.is_dir(follow_symlinks=False):
                subfolders.append(entry.name)
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                files.append(entry.name)
    return _Folder(state, is_settled, tuple(files), tuple(subfolders))
