"""What a store's library raises, as what the system would raise."""

from __future__ import annotations

import errno
import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOT_FOUND = 404


@contextmanager
def reaching(name: str) -> Iterator[None]:
    """Let all that a store's library raises be what the system would raise, with the file's name.

    Raises:
        OSError: Anything was raised.
    """
    try:
        yield
    except FileNotFoundError as error:
        cause = error.__cause__  # so fsspec tells of web servers that refuse, or do not answer
        status = getattr(cause, "status", None if isinstance(cause, OSError) else _NOT_FOUND)
        if status != _NOT_FOUND and not isinstance(cause, FileNotFoundError):
            raise OSError(errno.EIO, f"{type(cause).__name__}: {cause}", name) from error
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from error
    except PermissionError as error:
        raise PermissionError(errno.EACCES, str(error), name) from error
    except Exception as error:  # botocore's, aiohttp's, google's …
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}", name) from error


class StoresFile(io.RawIOBase):
    """A store's file, whose errors are those of the system."""

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self._name = name

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read some of what is left."""
        with reaching(self._name):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place; nothing is asked of the store yet."""
        with reaching(self._name):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        """Where it is."""
        return int(self._file.tell())

    def close(self) -> None:
        """End what the store's library holds for it."""
        if not self.closed:
            self._file.close()
        super().close()
