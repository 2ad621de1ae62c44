"""Files, locks and readers of the file system in memory."""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING, Self

from tests.support.model_disk import system_error

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import WriteableBuffer

    from events.filesystem import StrPath
    from tests.support.model_disk import File
    from tests.support.model_filesystem import ModelFileSystem


class Crashed(BaseException):
    """The process is gone: it does nothing more, whatever the code that it runs catches."""


class ModelAppendFile:
    """An append-only file of `ModelFileSystem`."""

    def __init__(self, fs: ModelFileSystem, path: StrPath, file: File) -> None:
        self._fs = fs
        self._path = path
        self._file: File | None = file

    def write(self, data: bytes) -> None:
        """Append all of ``data``."""
        self._fs.write(self._path, self._open(), data)

    def sync(self) -> None:
        """Return when all that was written is on disk."""
        self._fs.sync(self._path, self._open())

    def size(self) -> int:
        """Bytes in the file now."""
        return len(self._open().data)

    def close(self) -> None:
        """Nothing is synced. Again: no effect."""
        self._file = None

    def _open(self) -> File:
        if self._file is None:
            raise system_error(errno.EBADF, self._path)
        return self._file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class ModelLock:
    """A lock that a process holds."""

    def __init__(self, fs: ModelFileSystem, number: int) -> None:
        self._fs = fs
        self._number = number
        self._held = True

    def release(self) -> None:
        """Let go. Again, or after the process's death: no effect."""
        if self._held and self._fs.disk.locks.get(self._number) is self._fs:
            del self._fs.disk.locks[self._number]
        self._held = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class ModelReader(io.RawIOBase):
    """A file open for reading: it sees what is appended meanwhile."""

    def __init__(self, fs: ModelFileSystem, file: File) -> None:
        self._fs = fs
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what there is now, at most as much as the buffer holds."""
        self._fs.alive()
        view = memoryview(buffer)
        data = self._file.data[self._at : self._at + len(view)]
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place."""
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._file.data)}
        self._at = begin[whence] + offset
        return self._at
