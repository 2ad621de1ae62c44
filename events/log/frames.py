"""The text of Zstandard frames, one or many in a file.

The library takes any end of a file for the end of the text, and loses what it made in a call that
fails. So the frames are followed beside it; where something is wrong they are read block by block.

Source: RFC 8878, sections 3.1.1 and 3.1.2 (frames and blocks).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from events.log.decompressing import DamageError, Pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.log.decompressing import Text

_SKIPPABLE = 0x184D2A50  # to …5F
_FRAME_HEADER_BYTES = 18  # at most
_LEAST_HEADER_BYTES = 8  # the part of a frame, or of a skippable one, that says how long it is
_CHECKSUM_BYTES = 4
_RUN = 1  # block type: one byte, repeated
_CHUNK_BYTES = 1 << 20  # so that a thread that decompresses seldom asks for the GIL


def frames(file: BinaryIO) -> Text:
    """The text of all frames in a file.

    Args:
        file: Open for reading at its start; seekable.
    """
    return _Frames(file)


class _Frames:
    """Decompresses into a buffer, as much at once as it holds."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        self._file = file
        self._followed = _Followed(file)
        self._reader = zstandard.ZstdDecompressor().stream_reader(
            cast("BinaryIO", self._followed),  # of which it wants nothing but to read
            read_size=_CHUNK_BYTES,
            read_across_frames=True,
            closefd=False,
        )
        self._error = zstandard.ZstdError
        self._given = 0
        self._slowly: Text | None = None

    def readinto(self, view: memoryview, /) -> int:
        """As `Text`."""
        if self._slowly is None:
            try:
                size = self._reader.readinto(view)
            except self._error:
                size = 0
            else:
                if size or self._followed.is_whole:
                    self._given += size
                    return size
            self._slowly = Pieces(_behind(_by_block(self._file), self._given))
        return self._slowly.readinto(view)


def _behind(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """What stands behind so many bytes."""
    for piece in pieces:
        if size < len(piece):
            yield piece[size:]
        size = max(size - len(piece), 0)


class _Followed:
    """A file of frames; while it is read it is found out whether it ends with one's end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._head = b""  # of a frame or block, of which the rest was not read yet
        self._left = 0  # bytes before the next head
        self._in_frame = False
        self._checksum_bytes = 0

    @property
    def is_whole(self) -> bool:
        """Whether what was read are whole frames."""
        return not (self._head or self._left or self._in_frame)

    def read(self, size: int) -> bytes:
        """Read on."""
        data = self._file.read(size)
        self._follow(self._head + data)
        return data

    def _follow(self, data: bytes) -> None:
        at = self._left
        while at < len(data):
            head = data[at : at + _LEAST_HEADER_BYTES]
            size = self._block_bytes(head) if self._in_frame else self._header_bytes(head)
            if not size:
                break
            at += size
        self._head = data[at:]
        self._left = max(at - len(data), 0)

    def _block_bytes(self, head: bytes) -> int:
        """Bytes from a block's start to what follows it; 0: not known yet."""
        if len(head) < 3:
            return 0
        number = int.from_bytes(head[:3], "little")
        self._in_frame = not number & 1
        size = 1 if number >> 1 & 3 == _RUN else number >> 3
        return 3 + size + (0 if self._in_frame else self._checksum_bytes)

    def _header_bytes(self, head: bytes) -> int:
        """Bytes of a frame's header, or of a whole skippable frame; 0: not known yet."""
        if len(head) < _LEAST_HEADER_BYTES:
            return 0  # a frame has a block, too
        if int.from_bytes(head[:4], "little") & ~0xF == _SKIPPABLE:
            return 8 + int.from_bytes(head[4:8], "little")
        said = head[4]
        is_single = said >> 5 & 1
        self._in_frame = True
        self._checksum_bytes = _CHECKSUM_BYTES * (said >> 2 & 1)
        return 6 - is_single + (0, 1, 2, 4)[said & 3] + (is_single, 2, 4, 8)[said >> 6]


def _by_block(file: BinaryIO) -> Iterator[bytes]:
    """The text of all frames, block by block: the library takes any end for the end.

    Raises:
        DamageError: At the damaged place.
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
            raise DamageError(str(error)) from error


def _peek(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise _unfinished()
    return data


def _unfinished() -> DamageError:
    return DamageError("the last frame is not finished")
