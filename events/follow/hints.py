"""Hints as to which of many files may have changed: whom to look at first, and nothing else.

All is found by looking, hint or none: a network file system gives none of what other machines
write, a link none of its target, and a system may give none at all.

Source: inotify(7) of the Linux manual.
"""

from __future__ import annotations

import os
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

_MODIFY, _MOVED_TO, _CREATE, _ONLY_FOLDERS = 0x2, 0x80, 0x100, 0x01000000
_IGNORED = 0x8000  # a folder is not watched any more: it is gone
_HEAD = struct.Struct("iIII")  # watch, what happened, cookie, length of the name
_READ_BYTES = 1 << 16


class Hints(Protocol):
    """Whoever gives hints; nobody relies on them."""

    def watch(self, folders: Iterable[str]) -> None:
        """Give hints of these folders from now on, and of those before."""
        ...

    def changed(self) -> set[str]:
        """Paths that may have changed since this was asked; folders as they were named."""
        ...

    def close(self) -> None:
        """Give no more. Again: no effect."""
        ...


class InotifyHints:
    """What the kernel tells of folders: in one of them a file was written to, or came.

    Nothing is asked of the kernel before `watch`. What it refuses, for its limits or because it
    is no Linux, is left out.
    """

    def __init__(self) -> None:
        self._descriptor = -1
        self._failed = not sys.platform.startswith("linux")
        self._folders: dict[int, str] = {}

    def watch(self, folders: Iterable[str]) -> None:
        """Give hints of these folders from now on, and of those before."""
        if self._failed:
            return
        import ctypes  # late: few follow so many files that they need hints

        system = ctypes.CDLL(None, use_errno=True)
        if self._descriptor < 0:
            self._descriptor = system.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            self._failed = self._descriptor < 0
        wanted = _MODIFY | _MOVED_TO | _CREATE | _ONLY_FOLDERS
        for folder in set(folders).difference(self._folders.values()):
            number = system.inotify_add_watch(self._descriptor, os.fsencode(folder or "."), wanted)
            if number >= 0:
                self._folders[number] = folder

    def changed(self) -> set[str]:
        """Paths that may have changed since this was asked; folders as they were named."""
        found: set[str] = set()
        with suppress(OSError):  # there is no more
            while self._folders:
                data = os.read(self._descriptor, _READ_BYTES)
                at = 0
                while at < len(data):
                    number, what, _, length = _HEAD.unpack_from(data, at)
                    at += _HEAD.size + length
                    folder = self._folders.get(number)
                    if what & _IGNORED:
                        self._folders.pop(number, None)
                    elif folder is not None and length:
                        name = data[at - length : at].rstrip(b"\0")
                        found.add(os.path.join(folder, os.fsdecode(name)))  # noqa: PTH118 - a str
        return found

    def close(self) -> None:
        """Ask for no more. Again: no effect."""
        self._folders.clear()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor, self._failed = -1, True
