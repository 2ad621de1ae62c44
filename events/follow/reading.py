"""The next lines of a followed file, never without seeing that it is the text that was read before.

Blocks are those of `events.log.reader`, which may not be asked: it keeps what it has read, and a
file may be cut and written anew between two reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from events.follow.fingerprint import HEAD_MARKS, TAIL_BYTES, Meter, mark_at
from events.limits import MAX_LINE_BYTES
from events.log.reader import Block, Overlong

if TYPE_CHECKING:
    from events.follow.texts import OpenText
    from events.follow.tracked import Tracked

HOLE_NS = 2_000_000_000
"""How long zero bytes are taken for text that is written but cannot be seen yet."""


class ChangedError(Exception):
    """The file does not hold any more what was read of it."""


def check(file: Tracked) -> None:
    """See that an open file still holds what was read of it; after opening, its head too.

    Raises:
        ChangedError: It does not.
        EventsError: An archive that is damaged.
        OSError: It cannot be read.
    """
    text, meter = _text(file), file.meter
    if not text.compressed and text.status().size < meter.offset:
        raise ChangedError
    if not file.checked:
        _check_head(text, meter.marks[:HEAD_MARKS])
    if len(file.head) > len(meter.marks):  # judged by what was not handed out yet
        _check_head(text, file.head)
    if meter.tail_length:
        _compare(meter, text.read_at(meter.offset - meter.tail_length, meter.tail_length))
    file.checked = True


def next_lines(file: Tracked, limit: int, now_ns: int, *, settled: bool) -> Block | Overlong | None:
    """Hand out the next lines, at most a MiB; None if there is no whole line up to there.

    Zero bytes are no text: a writer that does not append leaves them at the start of a file that
    was cut (copytruncate), and they are passed over. But while a file is being written to on a
    network file system, text may look like that until it arrives, so they are waited for.

    Args:
        file: It is open.
        limit: Where to end, in bytes of the text: what stood there when the look began.
        now_ns: The monotonic clock.
        settled: Nobody seems to be writing to it.

    Raises:
        ChangedError: The file does not hold any more what was read of it.
        EventsError: An archive that is damaged.
        OSError: It cannot be read.
    """
    text = _text(file)
    while file.passing is None:
        meter = file.meter
        before = meter.tail_length
        wanted = min(MAX_LINE_BYTES, limit - meter.offset)
        if wanted <= 0:
            file.rest, file.hole = 0, None
            return None
        # With what stands before, in the same call, so that no cut can come in between.
        data = text.read_at(meter.offset - before, before + wanted)
        _compare(meter, data[:before])
        hole = data.find(b"\0", before)
        awaited = (
            hole >= 0
            and not settled
            and _is_awaited(file, meter.offset - before + hole, limit, now_ns)
        )
        if awaited:
            data = data[:hole]
        elif hole == before:
            _pass_zeros(meter, data, before)
            continue
        cut = data.rfind(b"\n", before) + 1
        if cut:
            block = Block(meter.offset, data[before:cut])
            meter.take_lines(block.data)
            meter.end(data[max(0, cut - TAIL_BYTES) : cut])
            file.rest = 0
            return block
        file.rest = len(data) - before
        if not awaited:
            file.hole = None
        if file.rest < MAX_LINE_BYTES:
            return None
        file.passing = meter.copy()
        file.passing.take(memoryview(data)[before:])
    return _pass_over(file, text, file.passing, limit)


def _pass_over(file: Tracked, text: OpenText, meter: Meter, limit: int) -> Overlong | None:
    """Go to the end of a line that is too long; what was seen of it is not read again."""
    begin = file.meter.offset
    while meter.offset < limit:
        data = text.read_at(meter.offset, min(MAX_LINE_BYTES, limit - meter.offset))
        end = data.find(b"\n") + 1
        meter.take(memoryview(data)[: end or len(data)])
        if end:
            meter.end(text.read_at(meter.offset - TAIL_BYTES, TAIL_BYTES))
            file.meter, file.passing, file.rest = meter, None, 0
            return Overlong(begin, meter.offset - begin)
        if not data:
            break
    file.rest = meter.offset - begin
    return None


def _pass_zeros(meter: Meter, data: bytes, begin: int) -> None:
    """Go on behind the zero bytes that a line would begin with."""
    end = len(data) - len(data[begin:].lstrip(b"\0"))
    meter.take(memoryview(data)[begin:end])
    meter.end(data[max(0, end - TAIL_BYTES) : end])


def _is_awaited(file: Tracked, position: int, limit: int, now_ns: int) -> bool:
    """Whether zero bytes that stand somewhere may turn into text yet.

    All that the file had when the first of them were seen is waited for together.
    """
    if file.hole is None or position >= file.hole[0]:
        file.hole = (limit, now_ns)
    return now_ns - file.hole[1] < HOLE_NS


def _check_head(text: OpenText, marks: list[int]) -> None:
    if marks and crc32(text.read_at(0, mark_at(len(marks) - 1))) != marks[-1]:
        raise ChangedError


def _compare(meter: Meter, tail: bytes) -> None:
    if len(tail) != meter.tail_length or crc32(tail) != meter.tail_crc:
        raise ChangedError


def _text(file: Tracked) -> OpenText:
    if file.text is None:
        raise AssertionError
    return file.text
