"""Compressed files read as the text they hold, however many members or frames they are made of.

Sources: RFC 1952 (gzip members), RFC 8878, sections 3.1.1 and 3.1.2 (Zstandard frames and blocks).
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, cast

from events.errors import EventsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _typeshed import WriteableBuffer

SUFFIXES = ("", ".zst", ".gz")  # in this order, where several hold the same text
_BUFFER_BYTES = 1 << 17
_SKIPPABLE = 0x184D2A50  # to …5F
_FRAME_HEADER_BYTES = 18  # at most
_RUN = 1  # block type: one byte, repeated


def decompress(path: Path, file: BinaryIO) -> BinaryIO:
    """The text in ``file``, chosen by the path's suffix; closing it closes ``file``.

    Reading raises `EventsError` at the place where the file is damaged or was cut short; all that
    stands before is read first.
    """
    suffix = path.suffix.lower()
    if suffix == ".gz":
        stream = _gzip(path, file)
    elif suffix == ".zst":
        stream = _zstandard(path, file)
    else:
        return file
    return cast("BinaryIO", io.BufferedReader(stream, _BUFFER_BYTES))


class _Decompressed(io.RawIOBase):
    """A decompressor that speaks of damage as we do."""

    def __init__(
        self,
        path: Path,
        file: BinaryIO,
        read: Callable[[int], bytes],
        damage: tuple[type[Exception], ...],
    ) -> None:
        self._path = path
        self._file = file
        self._read = read
        self._damage = damage

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        try:
            data = self._read(len(view))
        except self._damage as error:
            raise EventsError(
                f"{self._path} cannot be decompressed to its end: it is damaged or was cut short"
                f" ({error})"
            ) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _gzip(path: Path, file: BinaryIO) -> _Decompressed:
    import gzip
    import zlib

    damage = (EOFError, gzip.BadGzipFile, zlib.error)
    # read1 gives what stands before the damage, where read would lose it with the exception.
    return _Decompressed(path, file, gzip.GzipFile(fileobj=file).read1, damage)


def _zstandard(path: Path, file: BinaryIO) -> _Decompressed:
    import zstandard

    stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)

    def read(size: int) -> bytes:
        data = stream.read(size)
        if not data and not _ends_whole(file):  # the library takes any end for the end
            raise EOFError("the last frame is not finished")
        return data

    return _Decompressed(path, file, read, (zstandard.ZstdError, EOFError))


def _ends_whole(file: BinaryIO) -> bool:
    """Whether the last frame of a file is all there, by the sizes that its blocks state."""
    import zstandard

    size = file.seek(0, os.SEEK_END)
    at = 0
    while at < size:
        head = _peek(file, at, _FRAME_HEADER_BYTES)
        if int.from_bytes(head[:4], "little") & ~0xF == _SKIPPABLE:
            at += 8 + int.from_bytes(head[4:8], "little")
            continue
        try:
            parameters = zstandard.get_frame_parameters(head)
            at += zstandard.frame_header_size(head)
        except zstandard.ZstdError:
            return False
        last = False
        while not last:
            block = _peek(file, at, 3)
            if len(block) < 3:
                return False
            number = int.from_bytes(block, "little")
            last = bool(number & 1)
            at += 3 + (1 if number >> 1 & 3 == _RUN else number >> 3)
        at += 4 if parameters.has_checksum else 0
    return at == size


def _peek(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
