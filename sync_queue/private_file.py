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
        QueueError: It cannot be made, or is no regular file.
    """
    try:
        RealFileSystem().make_folder(path.parent)
        with suppress(FileExistsError):
            _make_empty_file(path)
        regular = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError, EventsError) as error:
        raise QueueError(
            f"{path}: it cannot be made ({error}); check the folder and that this user"
            " may write there"
        ) from error
    if not regular:
        raise QueueError(
            f"{path}: it is no regular file; move it away, or name another data folder"
        )


def _make_empty_file(path: Path) -> None:
    """Make ``path`` with mode 0600.

    By ``mknod``: closing a descriptor of the file would drop the locks that another thread's
    connection may hold on it already.
    """
    try:
        os.mknod(path, 0o600 | stat.S_IFREG)
    except (AttributeError, PermissionError):  # Windows has no such call, macOS only for root
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
