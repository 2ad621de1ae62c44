"""Compressed files read as the text they hold, however many members or frames they are made of.

What stands before a damaged place is read to its last byte: a decompressor that fails loses what it
made in the same call, so each is given no more at once than what it cannot fail in, near damage.

Sources: RFC 1952 (gzip members), RFC 8878, sections 3.1.1 and 3.1.2 (Zstandard frames and blocks),
the .xz file format 1.2.1, sections 2 and 2.2 (streams and the zeros between them).
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from events.errors import EventsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

SUFFIXES = ("", ".zst", ".gz")
"""Forms that a segment may have; in this order, where several hold the same text."""
COMPRESSED = (".zst", ".gz", ".bz2", ".xz")
"""Suffixes of files that are read as the text they hold."""
_BUFFER_BYTES = 1 << 17
_CHUNK_BYTES = 1 << 16
_XZ_MEMORY_BYTES = 1 << 28  # four times what `xz -9` asks for; a file may ask for 4 GiB
_SKIPPABLE = 0x184D2A50  # to …5F
_FRAME_HEADER_BYTES = 18  # at most
_CHECKSUM_BYTES = 4
_RUN = 1  # block type: one byte, repeated


class _DamageError(Exception):
    """A decompressor does not understand what it was given."""


class _Decompressor(Protocol):
    """What the standard library's decompressors have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def decompress(path: Path, file: BinaryIO) -> BinaryIO:
    """The text in ``file``, chosen by the path's suffix; closing it closes ``file``.

    Reading raises `EventsError` at the place where the file is damaged or was cut short; all that
    stands before is read first.

    Args:
        path: Names the file, for its suffix and for errors.
        file: Open for reading; seekable, if it is compressed.
    """
    suffix = path.suffix.lower()
    if suffix not in COMPRESSED:
        return file
    text = _zstandard(file) if suffix == ".zst" else _members(file, _kind(suffix))
    return cast("BinaryIO", io.BufferedReader(_Decompressed(path, file, text), _BUFFER_BYTES))


def is_decompressed(file: BinaryIO) -> bool:
    """Whether a file is the text of another one, made by `decompress`."""
    return isinstance(getattr(file, "raw", None), _Decompressed)


class _Decompressed(io.RawIOBase):
    """The pieces of a text as a file, which speaks of damage as we do."""

    def __init__(self, path: Path, file: BinaryIO, pieces: Iterator[bytes]) -> None:
        self._path = path
        self._file = file
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._damage: _DamageError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        if not self._piece:
            self._piece = memoryview(self._next())
        size = min(len(view), len(self._piece))
        view[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size

    def _next(self) -> bytes:
        if self._damage is None:
            try:
                return next(self._pieces, b"")
            except _DamageError as error:
                self._damage = error  # however often it is read from there
        raise EventsError(
            f"{self._path} cannot be decompressed to its end: it is damaged or was cut short"
            f" ({self._damage})"
        ) from self._damage

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the standard library's formats."""

    make: Callable[[], _Decompressor]  # for one member of a file
    damage: type[Exception]


def _kind(suffix: str) -> _Kind:
    if suffix == ".gz":
        import zlib

        return _Kind(_Inflater, zlib.error)
    if suffix == ".bz2":
        import bz2

        return _Kind(bz2.BZ2Decompressor, OSError)
    import lzma

    return _Kind(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES), lzma.LZMAError)


class _Inflater:
    """zlib's decompressor of one gzip member, as the others are."""

    def __init__(self) -> None:
        import zlib

        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def _members(file: BinaryIO, kind: _Kind) -> Iterator[bytes]:
    """The text of all members; of a damaged one, all that can be had.

    Raises:
        _DamageError: At the damaged place.
    """
    given = 0
    try:
        for piece in _decompressed(file, kind):
            yield piece
            given += len(piece)
    except _DamageError as error:
        damage = error
    else:
        return
    # Once more, byte by byte before the damage: each call that does not fail gives what it made.
    near = max(file.tell() - _CHUNK_BYTES, 0)
    file.seek(0)
    again = 0
    with suppress(_DamageError):
        for piece in _decompressed(file, kind, near):
            again += len(piece)
            if again > given:
                yield piece[given - again :]
                given = again
    raise damage


def _decompressed(file: BinaryIO, kind: _Kind, near: int | None = None) -> Iterator[bytes]:
    """The text of all members, in pieces of bounded size; from ``near`` on read byte by byte."""
    member: _Decompressor | None = None
    at = 0
    while data := file.read(_CHUNK_BYTES if near is None else max(1, min(near - at, _CHUNK_BYTES))):
        at += len(data)
        while data:
            if member is not None and member.eof:
                data = data.lstrip(b"\0")  # padding
                if not data:
                    break
                member = None
            member = member or kind.make()
            yield from _take(member, data, kind)
            data = member.unused_data if member.eof else b""
    if member is not None and not member.eof:
        raise _DamageError("the last part is not finished")


def _take(member: _Decompressor, data: bytes, kind: _Kind) -> Iterator[bytes]:
    """The text that ``data`` makes."""
    size = _BUFFER_BYTES
    while size == _BUFFER_BYTES and not member.eof:
        try:
            text = member.decompress(data, _BUFFER_BYTES)
        except kind.damage as error:
            raise _DamageError(str(error)) from error
        data = b""
        size = len(text)
        if text:
            yield text


def _zstandard(file: BinaryIO) -> Iterator[bytes]:
    """The text of all frames, block by block: the library takes any end for the end.

    Raises:
        _DamageError: At the damaged place.
    """
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    at = 0
    while head := _peek(file, at, _FRAME_HEADER_BYTES):
        if int.from_bytes(head[:4], "little") & ~0xF == _SKIPPABLE and len(head) >= 8:
            at += 8 + int.from_bytes(head[4:8], "little")
            if at > file.seek(0, io.SEEK_END):
                raise _unfinished()
            continue
        try:
            parameters = zstandard.get_frame_parameters(head)
            size = zstandard.frame_header_size(head)
            frame = decompressor.decompressobj()
            frame.decompress(head[:size])
            at += size
            file.seek(at)
            last = False
            while not last:
                block = _exactly(file, 3)
                number = int.from_bytes(block, "little")
                last = bool(number & 1)
                size = 1 if number >> 1 & 3 == _RUN else number >> 3
                at += 3 + size
                data = file.read(size)
                if text := frame.decompress(block + data):
                    yield text
                if len(data) < size:
                    raise _unfinished()
            if parameters.has_checksum:
                at += _CHECKSUM_BYTES
                frame.decompress(_exactly(file, _CHECKSUM_BYTES))
        except zstandard.ZstdError as error:
            raise _DamageError(str(error)) from error


def _peek(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise _unfinished()
    return data


def _unfinished() -> _DamageError:
    return _DamageError("the last frame is not finished")
