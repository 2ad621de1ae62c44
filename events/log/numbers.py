"""The numbers of a stream's lines: which is next, and where in a segment one is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from events.codec import decode
from events.errors import InvalidLineError
from events.limits import MAX_INTEGER, MAX_LINE_BYTES
from events.log.reader import Block, BlockReader
from events.log.segment import open_segment

if TYPE_CHECKING:
    from events.filesystem import FileSystem
    from events.log.segment import Segment

MOST_NEXT_SEQ: Final = MAX_INTEGER - 2**32
"""A log whose next number would be higher is not gone on with: the numbers might come to an end.

No worker gets there by counting. A line with such a number was made up, or is damaged.
"""
_SEQ = re.compile(rb'"seq"\s*:\s*([0-9]{1,19})')
_STEP_BYTES = 1 << 16


def next_seq(segments: list[Segment], stream: str, fs: FileSystem) -> int:
    """One more than the highest number in the last segment that holds anything.

    Never less than the name of the newest segment says, since all before it were used up.
    """
    least = segments[-1].first_seq if segments else 0
    for segment in reversed(segments):
        highest, is_empty = segment.first_seq - 1, True
        with open_segment(segment, fs) as file:
            for item in BlockReader(file):
                is_empty = False
                if isinstance(item, Block):
                    highest = _highest(item.data, stream, highest)
        if not is_empty:
            return max(least, highest + 1)
    return least


def _highest(data: bytes, stream: str, known: int) -> int:
    r"""The highest number in a block of lines, or ``known`` if that is higher.

    A start must not wait for all of a segment to be decoded. What looks like the highest number is
    found by its spelling, and decoded from the end only until it is found to be one.
    """
    likely = max(map(int, _SEQ.findall(data)), default=-1)
    if likely > known:
        for text in reversed(data.split(b"\n")):
            known = max(known, number_of(text, stream))
            if known >= likely:
                break
    return known


def number_of(text: bytes, stream: str) -> int:
    """The line's number in its stream; -1 if it has none that can be read."""
    try:
        line = decode(text)
    except InvalidLineError as error:
        seq = error.seq if error.stream in {None, stream} else None
        return -1 if seq is None else seq
    return -1 if line.seq is UNSET or line.stream != stream else line.seq


def place_before(seq: int, segment: Segment, fs: FileSystem) -> int:
    """A place in a plain segment, in bytes, before which all lines have numbers below ``seq``.

    Not the last such place: it is looked for from the end, in steps. 0 if there is no other.
    """
    if segment.first_seq >= seq:
        return 0
    stream = segment.path.parent.name
    with fs.open_read(segment.path) as file:
        end = fs.size(segment.path)
        while end > 0:
            begin = max(end - _STEP_BYTES, 0)
            file.seek(begin)
            if begin:
                file.readline(_STEP_BYTES)  # the end of a line that begins before
            while (place := file.tell()) < end:
                number = number_of(file.readline(MAX_LINE_BYTES), stream)
                if number >= seq:
                    break
                if number >= 0:
                    return place
            end = begin
    return 0
