"""Compressing sealed segments, so that no crash and no reader sees a line less, or one twice.

The compressed file is made under another name, synced, read back, given its name, and that is
synced, before the plain one goes. While both are there, the plain one is read (`list_segments`).
Whatever a crash leaves, the next call for the segment finishes. A plain file beside a compressed
one may also be an older copy, put back from a backup: then it goes, and no line with it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.log.compression import SUFFIXES, decompress
from events.log.segment import list_segments
from events.log.stream import LOCK_NAME
from events.log.twins import BLOCK_BYTES, Twin, compare, difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment

HOUSEKEEPING_LOCK = "housekeeping.lock"
"""In the data folder: who compresses or removes segments holds it."""
SUFFIX = ".zst"
_STOPPED = "compressing was broken off"
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
        By how many bytes the segment is smaller now, in all its files.

    Raises:
        SealingStoppedError: ``stopped`` said so.
        EventsError: What was written reads differently, or there is a compressed file whose lines
            are others. The plain segment is left as it was.
        OSError: As the system says; the segment can be read as before.
    """
    if segment.compression:
        return 0
    folder = segment.path.parent
    packed = segment.path.with_name(segment.path.name + SUFFIX)
    saved = fs.size(segment.path)
    kept = _twin_to_keep(segment, fs, stopped)
    if kept is not None:
        fs.sync_file(kept)  # it need not have been made by us
    else:
        saved += fs.size(packed) if fs.exists(packed) else 0
        _pack(segment, packed, fs, stopped)
        saved -= fs.size(packed)
    fs.sync_folder(folder)
    fs.remove(segment.path)
    fs.sync_folder(folder)
    return saved


def _twin_to_keep(segment: Segment, fs: FileSystem, stopped: Callable[[], bool]) -> Path | None:
    """The compressed file that holds all that the plain one does, if there is one.

    Raises:
        EventsError: There is one that must not be replaced, nor be left alone with its lines.
    """
    found: dict[Path, Twin] = {}
    for suffix in filter(None, SUFFIXES):
        path = segment.path.with_name(segment.path.name + suffix)
        if fs.exists(path):
            found[path] = _compared(path, path, segment.path, fs, stopped)
    read, *others = found or [segment.path]  # without the plain one, the first of them is read
    for path, twin in found.items():
        if twin is Twin.OTHER or (twin is Twin.MORE and path in others):
            raise difference(segment.path, path)
    return read if found.get(read) in {Twin.SAME, Twin.MORE} else None


def _pack(segment: Segment, packed: Path, fs: FileSystem, stopped: Callable[[], bool]) -> None:
    """Make the compressed file under its own name; a crash leaves it, or a file to be cleared."""
    temporary = packed.with_name(f".syncstats-{segment.first_seq:020d}{SUFFIX}.tmp")
    with suppress(FileNotFoundError):
        fs.remove(temporary)
    named = False
    try:
        fs.write_new(temporary, _compressed(segment.path, fs, stopped))
        if _compared(temporary, packed, segment.path, fs, stopped) is Twin.SAME:
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
        while block := file.read(BLOCK_BYTES):
            if stopped():
                raise SealingStoppedError(_STOPPED)
            yield packer.compress(block)
    yield packer.flush()


def _compared(
    packed: Path, name: Path, path: Path, fs: FileSystem, stopped: Callable[[], bool]
) -> Twin:
    """What a compressed file, read as one of that name, holds beside a plain one."""

    def stop() -> None:
        if stopped():
            raise SealingStoppedError(_STOPPED)

    with decompress(name, fs.open_read(packed)) as text, fs.open_read(path) as plain:
        return compare(text, plain, stopped=stop)


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
