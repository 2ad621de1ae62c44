"""Compressing sealed segments, so that no crash and no reader sees a line less, or one twice.

The compressed file is made under another name, synced, read back, given its name, and that is
synced, before the plain one goes. While both are there, the plain one is read (`list_segments`).
Whatever a crash leaves, the next call for the segment finishes.
"""

from __future__ import annotations

import itertools
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.log.compression import decompress
from events.log.segment import list_segments
from events.log.stream import LOCK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from events.filesystem import FileSystem
    from events.log.segment import Segment

HOUSEKEEPING_LOCK = "housekeeping.lock"
"""In the data folder: who compresses or removes segments holds it."""
SUFFIX = ".zst"
_BLOCK_BYTES = 1 << 18
_OUR_LEFTOVER = re.compile(r"\.syncstats-[0-9]{20}\.zst\.tmp")
_LEFTOVER = re.compile(r"\.syncstats-[0-9a-z.]+\.tmp")


class SealingStoppedError(EventsError):
    """The compressing of a segment was broken off, as asked; nothing has changed."""


def sealed_segments(folder: Path, fs: FileSystem) -> list[Segment]:
    """A stream's segments that are not written to any more: all but the last.

    Raises:
        OSError: The folder cannot be listed.
    """
    return list_segments(folder, fs)[:-1]


def compress_segment(
    segment: Segment, fs: FileSystem, *, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Put a compressed file in a segment's place; the text that is read of it stays the same.

    The caller holds the data folder's `HOUSEKEEPING_LOCK`. Memory is bounded.

    Args:
        segment: A sealed one, as it was listed; nothing happens if it is compressed.
        fs: Where it is.
        stopped: Asked now and then whether to break off.

    Returns:
        By how many bytes the segment is smaller now.

    Raises:
        SealingStoppedError: ``stopped`` said so.
        EventsError: What was written reads differently; the plain segment is left as it was.
        OSError: As the system says; the segment can be read as before.
    """
    if segment.compression:
        return 0
    folder = segment.path.parent
    packed = segment.path.with_name(segment.path.name + SUFFIX)
    size = fs.size(segment.path)
    if fs.exists(packed) and _holds(packed, segment.path, fs, stopped):
        fs.sync_file(packed)  # it need not have been made by us
    else:
        _pack(segment, packed, fs, stopped)
    fs.sync_folder(folder)
    fs.remove(segment.path)
    fs.sync_folder(folder)
    return size - fs.size(packed)


def _pack(segment: Segment, packed: Path, fs: FileSystem, stopped: Callable[[], bool]) -> None:
    """Make the compressed file under its own name; a crash leaves it, or a file to be cleared."""
    temporary = packed.with_name(f".syncstats-{segment.first_seq:020d}{SUFFIX}.tmp")
    with suppress(FileNotFoundError):
        fs.remove(temporary)
    named = False
    try:
        fs.write_new(temporary, _compressed(segment.path, fs, stopped))
        if _holds(temporary, segment.path, fs, stopped):
            fs.rename(temporary, packed)
            named = True
    finally:
        if not named:
            with suppress(OSError):
                fs.remove(temporary)
    if not named:
        raise EventsError(
            f"{segment.path} was compressed, but reads differently then: it is left as it was; "
            "check the disk and the memory of this machine"
        )


def _compressed(path: Path, fs: FileSystem, stopped: Callable[[], bool]) -> Iterator[bytes]:
    import zstandard

    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    with fs.open_read(path) as file:
        for block in _blocks(file, stopped):
            yield packer.compress(block)
    yield packer.flush()


def _holds(packed: Path, path: Path, fs: FileSystem, stopped: Callable[[], bool]) -> bool:
    """Whether a compressed file holds what stands in another file, to the byte."""
    as_packed = packed.with_suffix(SUFFIX)  # which a temporary name does not end in
    with (
        decompress(as_packed, fs.open_read(packed)) as text,
        fs.open_read(path) as plain,
    ):
        pairs = itertools.zip_longest(_blocks(text, stopped), _blocks(plain, stopped))
        try:
            return all(one == other for one, other in pairs)
        except SealingStoppedError:
            raise
        except EventsError:  # it is damaged
            return False


def _blocks(file: BinaryIO, stopped: Callable[[], bool]) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        if stopped():
            raise SealingStoppedError("compressing was broken off")
        yield block


def clear_leftovers(folder: Path, fs: FileSystem) -> None:
    """Remove temporary files that dead processes have left in a stream's folder.

    The caller holds the data folder's `HOUSEKEEPING_LOCK`, so nobody else compresses now. Others
    write such files only while they hold the stream's lock: where that is held, they stay.

    Raises:
        OSError: As the system says.
    """
    names = [name for name in fs.list_folder(folder) if _LEFTOVER.fullmatch(name)]
    for name in filter(_OUR_LEFTOVER.fullmatch, names):
        fs.remove(folder / name)
    others = [name for name in names if not _OUR_LEFTOVER.fullmatch(name)]
    if not others:
        return
    lock = fs.try_lock(folder / LOCK_NAME)
    if lock is None:
        return
    with lock:
        for name in others:
            with suppress(FileNotFoundError):  # its writer has ended meanwhile
                fs.remove(folder / name)
