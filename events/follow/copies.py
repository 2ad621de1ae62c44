"""Copies that go on by themselves: what they have in common with their original counts once."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from events.follow.fingerprint import HEAD_BYTES, TAIL_BYTES, Meter
from events.follow.tracked import FileState

if TYPE_CHECKING:
    from events.follow.tracked import Tracked

_CHUNK_BYTES = 1 << 20


def note_same(file: Tracked) -> None:
    """Keep of a copy what its whole lines are; what was seen before is not read again.

    Raises:
        OSError: It cannot be read.
    """
    text, length = file.text, file.length or 0
    if text is None or text.compressed:  # an archive does not go on
        return
    if length < file.meter.offset:
        file.meter = Meter()
    meter = file.meter
    while meter.offset < length:
        data = text.read_at(meter.offset, min(_CHUNK_BYTES, length - meter.offset))
        end = data.rfind(b"\n") + 1
        if not end:
            break
        meter.take_lines(data[:end])
    begin = max(0, meter.offset - TAIL_BYTES)
    meter.end(text.read_at(begin, meter.offset - begin))


def goes_on_apart(file: Tracked) -> bool:
    """Whether a file that is no copy any more is read on from where it was one.

    Two programs may begin their logs with the same lines, and each of them counts. So much that
    it is over 4,096 bytes does not agree by chance.

    Raises:
        OSError: It cannot be read.
    """
    text, same = file.text, file.meter
    if file.state is not FileState.COPY or text is None or same.offset <= HEAD_BYTES:
        return False
    at = crc = 0
    while at < same.offset:
        data = text.read_at(at, min(_CHUNK_BYTES, same.offset - at))
        if not data:
            return False
        crc = crc32(data, crc)
        at += len(data)
    return crc == same.crc


def is_behind(original: Tracked | None, copy: Tracked) -> bool:
    """Whether not all that both have was handed out yet."""
    if original is None or original.state is not FileState.READ:
        return False
    return original.meter.offset < copy.meter.offset
