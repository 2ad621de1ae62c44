"""The machine's own file system.

Sources: fsync(2), rename(2) and open(2) of the Linux manual; F_FULLFSYNC of fcntl(2) on macOS,
where fsync leaves data in the drive's cache.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from events.errors import EventsError
from events.filesystem import locks
from events.filesystem.descriptors import open_above
from events.filesystem.protocol import FileStatus

if sys.platform == "darwin":  # pragma: no cover - the tests run on Linux
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from events.filesystem.protocol import StrPath

# Missing on Windows; O_BINARY only there. Python adds O_CLOEXEC by itself. O_NONBLOCK keeps the
# opening of a pipe from waiting for its other end; regular files know no difference.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_PLAIN = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # with "/." a link is followed
_NEVER_A_FILE = {errno.ELOOP, errno.ENXIO, errno.EOPNOTSUPP}  # a link to itself, a socket
_BLOCK_BYTES = 1 << 20
_NO_MORE = "the system takes no more of a write"
_SYNCABLE = os.O_RDWR if sys.platform == "win32" else os.O_RDONLY


class RealAppendFile:
    """An append-only file, unbuffered: an error means that the write did not end, no more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        """Append all of ``data``, in one system call unless the system cuts it short."""
        _write_all(self._descriptor, data)

    def sync(self) -> None:
        """Return when all that was written is on disk."""
        _sync(self._descriptor)

    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Give the descriptor back; nothing is synced. Again: no effect."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class RealFileSystem:
    """`FileSystem` on the machine's own files; it has no state."""

    def open_append(self, path: StrPath) -> RealAppendFile:
        """Open for appending; see `FileSystem.open_append`."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NOFOLLOW
        return RealAppendFile(_open_regular(path, flags))

    def open_read(self, path: StrPath) -> BinaryIO:
        """Open a regular file for reading; see `FileSystem.open_read`."""
        return os.fdopen(_open_regular(path, os.O_RDONLY), "rb")

    def sync_file(self, path: StrPath) -> None:
        """Bring a file's data to disk, also one that another process is writing."""
        with _closing(_open_regular(path, _SYNCABLE)) as descriptor:
            _sync(descriptor)

    def write_again(self, path: StrPath, offset: int) -> None:
        """Write what stands there once more; see `FileSystem.write_again`."""
        with _closing(_open_regular(path, os.O_RDWR | _NOFOLLOW)) as descriptor:
            while block := os.pread(descriptor, _BLOCK_BYTES, offset):
                written = os.pwrite(descriptor, block, offset)
                if written == 0:
                    raise OSError(errno.EIO, _NO_MORE)
                offset += written

    def truncate(self, path: StrPath, size: int) -> None:
        """Cut the file to ``size`` bytes, durably."""
        with _closing(_open_regular(path, os.O_RDWR | _NOFOLLOW)) as descriptor:
            os.ftruncate(descriptor, size)
            _sync(descriptor)

    def write_new(self, path: StrPath, data: bytes | Iterable[bytes]) -> None:
        """Make a file of ``data``, durably; see `FileSystem.write_new`."""
        _create(path, [data] if isinstance(data, bytes) else data, 0o600, None)
        self.sync_folder(Path(path).parent)

    def replace_file(self, path: StrPath, data: bytes, mode: int | None = None) -> None:
        """Put ``data`` in place of the file, durably; see `FileSystem.replace_file`."""
        replace_file(path, data, mode)

    def make_folder(self, path: StrPath, mode: int = 0o700) -> None:
        """Make the folder and missing parents, durably; see `FileSystem.make_folder`."""
        folder = Path(path)
        if folder.is_dir():
            return
        is_in_another = folder.parent.is_dir()
        try:
            if not is_in_another:
                self.make_folder(folder.parent, mode)
            folder.mkdir(mode, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise EventsError(f"{folder} is no folder: move it away, or name another") from error
        self.sync_folder(folder.parent)
        if is_in_another:  # whose maker may have died before its name was on the disk
            with contextlib.suppress(PermissionError):  # above the data folder: not our making
                self.sync_folder(folder.parent.parent)

    def sync_folder(self, path: StrPath) -> None:
        """Bring a folder's entries to disk; nothing on Windows, which has no such call."""
        if sys.platform == "win32":
            return
        with _closing(os.open(path, os.O_RDONLY | os.O_DIRECTORY)) as descriptor:
            try:
                os.fsync(descriptor)
            except OSError as error:
                if error.errno != errno.EINVAL:  # a file system that syncs files only
                    raise

    def list_folder(self, path: StrPath) -> list[str]:
        """Names in the folder, sorted; bytes that are no UTF-8 stand as lone surrogates."""
        return sorted(os.listdir(path))  # noqa: PTH208 - names, not paths

    def remove(self, path: StrPath) -> None:
        """Remove a file's name."""
        Path(path).unlink()

    def rename(self, source: StrPath, target: StrPath) -> None:
        """Give a file another name, in place of what has it."""
        Path(source).replace(target)

    def exists(self, path: StrPath) -> bool:
        """Whether something is there (links followed)."""
        return Path(path).exists()

    def is_folder(self, path: StrPath) -> bool:
        """Whether a folder itself is there: a symbolic link to one is not."""
        try:
            return stat.S_ISDIR(os.lstat(path).st_mode)
        except OSError as error:
            if error.errno in _NO_FOLDER:
                return False
            raise

    def size(self, path: StrPath) -> int:
        """The file's size in bytes."""
        return os.stat(path).st_size  # noqa: PTH116 - a Path would cost more than the call

    def identity(self, path: StrPath) -> tuple[int, int]:
        """Device and inode (links followed)."""
        status = os.stat(path)  # noqa: PTH116 - as in `size`
        return status.st_dev, status.st_ino

    def status(self, path: StrPath) -> FileStatus:
        """What stands at the path (links followed), in one call of the system."""
        return status_of(os.stat(path))  # noqa: PTH116 - called for thousands of files a second

    def lock(self, path: StrPath) -> locks.RecordLock:
        """Take the lock that a file stands for, waiting for it; see `events.filesystem.locks`."""
        return locks.lock(path)

    def try_lock(self, path: StrPath) -> locks.RecordLock | None:
        """Take the lock if it is free, else ``None`` at once."""
        return locks.try_lock(path)


REAL = RealFileSystem()


def status_of(found: os.stat_result) -> FileStatus:
    """What ``os.stat`` or ``os.fstat`` found, as the program uses it."""
    return FileStatus(
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_nlink,
        stat.S_ISREG(found.st_mode),
    )


def replace_file(path: StrPath, data: bytes, mode: int | None = None) -> None:
    """Put ``data`` in place of the file, durably: readers see the old or the new, never less.

    Args:
        path: The file; a symbolic link is replaced, not followed.
        data: All of its new content.
        mode: Its permissions; ``None`` lets the umask decide (0666 without its bits).

    Raises:
        OSError: The old content stands (or, if only the folder's sync failed, the new). It names
            ``path``.
    """
    try:
        _replace(Path(path), data, mode)
    except OSError as error:  # of a temporary file's name, gone by now, nobody knows what it was
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    # A name of its own, since a fixed one could be a link that somebody has laid there; and a short
    # one, since the file's own may be as long as a name can be.
    temporary = target.parent / f".syncstats-{os.urandom(8).hex()}.tmp"
    _create(temporary, [data], 0o666 if mode is None else 0o600, mode)
    try:
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise
    REAL.sync_folder(target.parent)


def _create(path: StrPath, chunks: Iterable[bytes], opened_as: int, mode: int | None) -> None:
    """Write and sync a file that was not there; what an error leaves of it is removed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _PLAIN
    descriptor = open_above(path, flags, opened_as)
    try:
        with _closing(descriptor):
            if mode is not None and sys.platform != "win32":
                os.fchmod(descriptor, mode)
            for chunk in chunks:
                _write_all(descriptor, chunk)
            _sync(descriptor)
    except BaseException as error:
        Path(path).unlink()
        if isinstance(error, OSError) and error.filename is None:
            error.filename = os.fspath(path)  # the calls on a descriptor do not say of which file
        raise


def _open_regular(path: StrPath, flags: int) -> int:
    try:
        descriptor = open_above(path, flags | _PLAIN)
    except OSError as error:
        if error.errno == errno.ELOOP and flags & _NOFOLLOW:
            raise EventsError(
                f"{os.fspath(path)} is a symbolic link, which is never written through: remove it"
            ) from error
        if error.errno in _NEVER_A_FILE:
            raise EventsError(f"{os.fspath(path)} is no regular file: name a file") from error
        raise
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
    raise EventsError(f"{os.fspath(path)} is {what}: name a file")


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):  # a short write; what stopped it is raised when going on
        more = os.write(descriptor, memoryview(data)[written:])
        if more == 0:
            raise OSError(errno.EIO, _NO_MORE)
        written += more


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":  # pragma: no cover - the tests run on Linux
        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in {errno.ENOTSUP, errno.EINVAL}:
                raise
            os.fsync(descriptor)  # a file system without it
    elif sys.platform == "win32":
        os.fsync(descriptor)
    else:
        os.fdatasync(descriptor)
