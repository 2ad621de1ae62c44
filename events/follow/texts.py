"""An open file, read as the text it holds, from any place.

Nothing is buffered that could be out of date: a plain file may be cut and rewritten between two
reads, so each one asks the system.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, cast

from events.filesystem import status_of
from events.follow.names import is_archive
from events.log.compression import decompress

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileStatus, FileSystem

_CHUNK_BYTES = 1 << 20
# ESTALE: deleted on the server of a network file system; there is nothing that could come back.
_DOES_NOT_SYNC = {
    errno.EINVAL, errno.EROFS, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.ESTALE,
}  # fmt: skip


class OpenText:
    """A file that is open, and stays the same file whatever happens to its name.

    Args:
        path: Its name, whose suffix says whether it is compressed.
        fs: Where it is.

    Raises:
        EventsError: It is no regular file.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, fs: FileSystem) -> None:
        self.compressed = is_archive(path.name)
        self._path = path
        self._file = fs.open_read(path)
        self._number = self._file.fileno()
        self._stream: BinaryIO | None = None
        self._buffer = bytearray()  # text of an archive that follows `_at`
        self._at = 0

    def status(self) -> FileStatus:
        """Size, time and links now; of an archive as it lies there, compressed.

        Raises:
            OSError: It is not there any more: removed on the server of a network file system.
        """
        return status_of(os.fstat(self._number))

    def read_at(self, offset: int, size: int) -> bytes:
        """The text from ``offset`` on, ``size`` bytes of it or up to its end.

        Raises:
            EventsError: An archive that is damaged or not finished.
            OSError: It cannot be read.
        """
        if self.compressed:
            return self._decompressed(offset, size)
        data = _pread(self._number, size, offset)
        while len(data) < size and (
            more := _pread(self._number, size - len(data), offset + len(data))
        ):
            data += more
        return data

    def again(self) -> None:
        """Forget what was decompressed: the archive may have been changed."""
        self._stream = None
        self._buffer.clear()
        self._at = 0

    def sync(self) -> None:
        """Return when what was read is on the disk, as far as its file system can do that.

        Raises:
            OSError: It may not be, and another call would not tell.
        """
        if sys.platform == "win32":
            return  # which syncs only what is open for writing
        try:
            os.fsync(self._number) if sys.platform == "darwin" else os.fdatasync(self._number)
        except OSError as error:
            if error.errno not in _DOES_NOT_SYNC:
                raise

    def close(self) -> None:
        """Give the descriptor back, which it is whatever the system says. Again: no effect."""
        with suppress(OSError):
            self._file.close()

    def _decompressed(self, offset: int, size: int) -> bytes:
        if self._stream is None or offset < self._at:
            self.again()
            self._stream = decompress(self._path, cast("BinaryIO", _Archive(self._number)))
        while self._at + len(self._buffer) < offset + size:
            before = offset - self._at
            if before > 0:
                passed = min(before, len(self._buffer))
                del self._buffer[:passed]
                self._at += passed
            more = self._stream.read(_CHUNK_BYTES)
            if not more:
                break
            self._buffer += more
        begin = offset - self._at
        data = bytes(self._buffer[begin : begin + size])
        passed = min(begin, len(self._buffer))
        del self._buffer[:passed]
        self._at += passed
        return data


class _Archive:
    """What a decompressor asks of a file; it may be dropped, and leaves the descriptor open."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._at = 0

    def read(self, size: int) -> bytes:
        data = _pread(self._number, size, self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (os.fstat(self._number).st_size if whence == os.SEEK_END else 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        pass


if sys.platform == "win32":

    def _pread(number: int, size: int, offset: int) -> bytes:
        os.lseek(number, offset, os.SEEK_SET)
        return os.read(number, size)

else:
    _pread = os.pread
