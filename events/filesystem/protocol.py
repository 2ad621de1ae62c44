"""What the program asks of a file system; the real one and those of the tests provide it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

StrPath = str | os.PathLike[str]


class FileStatus(NamedTuple):
    """What a follower of files looks at, again and again.

    Attributes:
        device: With ``inode``, which file it is, whatever its names.
        inode: See there; it may be given to another file once this one is gone.
        size: Bytes in the file.
        mtime_ns: When it was last written to, in nanoseconds since 1970, by its machine's clock.
        links: How many names it has; 0 when it was removed and is only open.
        regular: Whether it is a file, and no folder, pipe, socket or device.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    links: int
    regular: bool


class Lock(Protocol):
    """A held lock; it ends with `release`, the ``with`` block, or the process."""

    def release(self) -> None:
        """Let go. Again, or in a forked child (which holds nothing): no effect."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class AppendFile(Protocol):
    """A file that only grows at its end. Nothing is buffered in the process."""

    def write(self, data: bytes) -> None:
        """Append all of ``data``; a short write is continued.

        Raises:
            OSError: Some of it may have been written nevertheless.
        """
        ...

    def sync(self) -> None:
        """Return when all that was written is on disk.

        Raises:
            OSError: What was not yet on disk may be lost: do not sync again and believe it.
        """
        ...

    def size(self) -> int:
        """Bytes in the file now."""
        ...

    def close(self) -> None:
        """Give the descriptor back; nothing is synced. Again: no effect."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class FileSystem(Protocol):
    """Every operation raises `OSError` as the system does, unless it says otherwise."""

    def open_append(self, path: StrPath) -> AppendFile:
        """Open for appending, made with mode 0600 where missing; a symbolic link is refused.

        Raises:
            EventsError: It is a link, or no regular file.
        """
        ...

    def open_read(self, path: StrPath) -> BinaryIO:
        """Open a regular file for reading.

        Raises:
            EventsError: It is a folder, a pipe, a device.
        """
        ...

    def sync_file(self, path: StrPath) -> None:
        """Bring a file's data to disk, also one that another process is writing."""
        ...

    def write_again(self, path: StrPath, offset: int) -> None:
        """Write what the file holds from ``offset`` on once more, where it stands.

        Then `sync_file` brings it to disk also where a sync had failed before, whoever asked for
        that: what such a sync drops counts as clean, and another one alone leaves it out.
        """
        ...

    def truncate(self, path: StrPath, size: int) -> None:
        """Cut the file to ``size`` bytes, durably."""
        ...

    def write_new(self, path: StrPath, data: bytes | Iterable[bytes]) -> None:
        """Make a file (mode 0600) of ``data``, durably; a file cut short by an error is removed.

        Raises:
            FileExistsError: There is one already; it is left alone.
        """
        ...

    def replace_file(self, path: StrPath, data: bytes, mode: int | None = None) -> None:
        """Put ``data`` in place of the file, durably: readers see the old or the new, never less.

        Args:
            path: The file; a symbolic link is replaced, not followed.
            data: All of its new content.
            mode: Its permissions; ``None`` lets the umask decide (0666 without its bits).
        """
        ...

    def make_folder(self, path: StrPath, mode: int = 0o700) -> None:
        """Make the folder and missing parents, all with ``mode``, durably; one there is fine.

        Raises:
            EventsError: Something that is no folder stands there.
        """
        ...

    def sync_folder(self, path: StrPath) -> None:
        """Bring a folder's entries to disk: names made, renamed and removed in it."""
        ...

    def list_folder(self, path: StrPath) -> list[str]:
        """Names in the folder, sorted; bytes that are no UTF-8 stand as lone surrogates."""
        ...

    def remove(self, path: StrPath) -> None:
        """Remove a file's name; durable after `sync_folder`."""
        ...

    def rename(self, source: StrPath, target: StrPath) -> None:
        """Give a file another name, in place of what has it; durable after `sync_folder`."""
        ...

    def exists(self, path: StrPath) -> bool:
        """Whether something is there (links followed)."""
        ...

    def is_folder(self, path: StrPath) -> bool:
        """Whether a folder itself is there: a symbolic link to one is not."""
        ...

    def size(self, path: StrPath) -> int:
        """The file's size in bytes."""
        ...

    def identity(self, path: StrPath) -> tuple[int, int]:
        """Device and inode (links followed): the same for every name of one file."""
        ...

    def status(self, path: StrPath) -> FileStatus:
        """What stands at the path (links followed), in one call of the system."""
        ...

    def lock(self, path: StrPath) -> Lock:
        """Take the lock that a file stands for; wait while another process or thread has it."""
        ...

    def try_lock(self, path: StrPath) -> Lock | None:
        """Take the lock if it is free, else ``None`` at once."""
        ...
