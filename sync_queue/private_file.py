"""Making a database's folder and file, for this user alone."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.filesystem import RealFileSystem
from sync_queue.errors import QueueError

if TYPE_CHECKING:
    from pathlib import Path


def make_private_file(path: Path) -> None:
    """Make ``path`` with mode 0600 and its folders with mode 0700 where they are missing.

    SQLite gives its side files the mode of the file. What is there already keeps its mode.

    Raises:
        QueueError: It cannot be made; or it, or a side file, is a link or no regular file. SQLite
            would write to what a link names, and wait for ever for the other end of a pipe.
    """
    try:
        RealFileSystem().make_folder(path.parent)
        with suppress(FileExistsError):
            _make_empty_file(path)
        flaw = next(filter(None, map(_flaw, (path, *map(path.with_name, _side_files(path))))), None)
    except (OSError, ValueError, EventsError) as error:
        raise QueueError(
            f"{path}: it cannot be made ({error}); check the folder and that this user"
            " may write there"
        ) from error
    if flaw is not None:
        raise QueueError(f"{flaw}; move it away, or name another data folder")


def _side_files(path: Path) -> tuple[str, ...]:
    return tuple(path.name + suffix for suffix in ("-wal", "-shm", "-journal"))


def _flaw(path: Path) -> str | None:
    """Why SQLite must not be given what is there, if anything is."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(mode):
        return f"{path}: it is a symbolic link, and a database is never written through one"
    return None if stat.S_ISREG(mode) else f"{path}: it is no regular file"


def _make_empty_file(path: Path) -> None:
    """Make ``path`` with mode 0600.

    By ``mknod``: closing a descriptor of the file would drop the locks that another thread's
    connection may hold on it already.
    """
    try:
        os.mknod(path, 0o600 | stat.S_IFREG)
    except (AttributeError, PermissionError):  # Windows has no such call, macOS only for root
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
