"""Compressed files read as the text they hold, however many members or frames they are made of.

What stands before a damaged place is read to its last byte: a decompressor that fails loses what it
made in the same call, so each is given no more at once than what it cannot fail in, near damage.

Sources: RFC 1952 (gzip members), the .xz file format 1.2.1, sections 2 and 2.2 (streams and the
zeros between them).
"""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, cast

from events.errors import EventsError
from events.log.decompressing import DamageError, Pieces
from events.log.frames import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

    from events.log.decompressing import Text

SUFFIXES = ("", ".zst", ".gz")
"""Forms that a segment may have; in this order, where several hold the same text."""
COMPRESSED = (".zst", ".gz", ".bz2", ".xz")
"""Suffixes of files that are read as the text they hold."""
_BUFFER_BYTES = 1 << 17
_CHUNK_BYTES = 1 << 16
_XZ_MEMORY_BYTES = 1 << 28  # four times what `xz -9` asks for; a file may ask for 4 GiB


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
    text = frames(file) if suffix == ".zst" else Pieces(_members(file, _kind(suffix)))
    return cast("BinaryIO", io.BufferedReader(_Decompressed(path, file, text), _BUFFER_BYTES))


def is_decompressed(file: BinaryIO) -> bool:
    """Whether a file is the text of another one, made by `decompress`."""
    return isinstance(getattr(file, "raw", None), _Decompressed)


def untouched(file: BinaryIO) -> io.RawIOBase | None:
    """What decompresses a file, of whose text nothing was read; None for any other file.

    It fills a buffer with no copy of the text in between, as far as there is text.
    """
    raw = getattr(file, "raw", None)
    return raw if isinstance(raw, _Decompressed) and raw.is_untouched else None


class _Decompressed(io.RawIOBase):
    """A text as a file, which speaks of damage as we do."""

    def __init__(self, path: Path, file: BinaryIO, text: Text) -> None:
        self._path = path
        self._file = file
        self._text = text
        self._damage: DamageError | None = None
        self.is_untouched = True

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()  # to tell which file it is, not to read from

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        self.is_untouched = False
        view = memoryview(buffer).cast("B")
        have = 0
        while have < len(view) and self._damage is None:
            try:
                size = self._text.readinto(view[have:])
            except DamageError as error:
                self._damage = error  # however often it is read from there
                break
            if not size:
                break
            have += size
        if have or self._damage is None:
            return have
        raise EventsError(
            f"{self._path} cannot be decompressed to its end: it is damaged or was cut short"
            f" ({self._damage})"
        ) from self._damage

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Kind(NamedTuple):
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
        DamageError: At the damaged place.
    """
    given = 0
    try:
        for piece in _decompressed(file, kind):
            yield piece
            given += len(piece)
    except DamageError as error:
        damage = error
    else:
        return
    # Once more, byte by byte before the damage: each call that does not fail gives what it made.
    near = max(file.tell() - _CHUNK_BYTES, 0)
    file.seek(0)
    again = 0
    with suppress(DamageError):
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
        raise DamageError("the last part is not finished")


def _take(member: _Decompressor, data: bytes, kind: _Kind) -> Iterator[bytes]:
    """The text that ``data`` makes."""
    size = _BUFFER_BYTES
    while size == _BUFFER_BYTES and not member.eof:
        try:
            text = member.decompress(data, _BUFFER_BYTES)
        except kind.damage as error:
            raise DamageError(str(error)) from error
        data = b""
        size = len(text)
        if text:
            yield text
