"""A text that is lent in blocks: together they and the rest are the text."""

from __future__ import annotations

import io
import random
from collections import deque

import pytest

from projections.parallel.ahead import ahead
from projections.parallel.lending import AHEAD, Lender

LONGEST = 400


class Sparing(io.RawIOBase):
    """Gives no more than a few bytes at once."""

    def __init__(self, text, most):
        self._text = io.BytesIO(text)
        self._most = most

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._text.readinto(memoryview(buffer)[: self._most])


def some_text(lines=200, seed=7):
    chance = random.Random(seed)
    return b"".join(b"x" * chance.randrange(LONGEST - 1) + b"\n" for _ in range(lines))


def lent(lender):
    """All that is lent, copied; each block begins where the one before it ends."""
    blocks, at = [], 0
    for block in lender:
        assert block.offset == at or not blocks
        at = block.end
        blocks.append(bytes(block.lines))
    return blocks


@pytest.mark.parametrize("block_bytes", [1, 3, 100, 5000, 1 << 17])
@pytest.mark.parametrize("most", [1, 77, 1 << 20])
def test_blocks_are_the_whole_lines_of_a_text(block_bytes, most):
    text = some_text() + b"half"
    lender = Lender(Sparing(text, most), block_bytes=block_bytes, longest=LONGEST)
    blocks = lent(lender)
    assert b"".join(blocks) + b"half" == text
    assert all(block.endswith(b"\n") for block in blocks)
    assert lender.rest().read() == b"half"


def test_it_begins_where_it_is_asked_to():
    text = some_text()
    offset = text.find(b"\n", 1000) + 1
    first, *more = Lender(io.BytesIO(text), offset, block_bytes=700, longest=LONGEST)
    assert first.offset == offset
    assert more[-1].end == len(text)


def test_an_empty_text_has_no_blocks():
    lender = Lender(io.BytesIO(b""))
    assert lent(lender) == []
    assert lender.rest().read() == b""


def test_it_ends_before_a_line_for_which_there_is_no_room():
    text = some_text(5) + b"y" * 5000 + b"\n" + some_text(5)
    lender = Lender(io.BytesIO(text), block_bytes=100, longest=LONGEST)
    before = b"".join(lent(lender))
    assert before == some_text(5)
    rest = lender.rest()
    assert rest.seek(len(before)) == len(before)
    assert before + rest.read() == text


def test_what_is_lent_stays_while_others_are_made_ahead():
    text = b"".join(b"%06d\n" % number for number in range(40_000))
    lender = Lender(io.BytesIO(text), block_bytes=1000, longest=LONGEST)
    assert b"".join(bytes(block.lines) for block in ahead(lender, AHEAD)) == text


@pytest.mark.parametrize("block_bytes", [1, 30, 100, 399, 1008, 5000])
@pytest.mark.parametrize("tail", [b"", b"half"])
def test_what_may_be_in_use_is_not_written_to(block_bytes, tail):
    text = some_text() + tail
    in_use = deque(maxlen=AHEAD + 1)  # one that was taken, and those that wait
    blocks = iter(Lender(io.BytesIO(text), block_bytes=block_bytes, longest=LONGEST))
    is_end = False
    while not is_end:
        made = next(blocks, None)
        is_end = made is None
        assert [bytes(each.lines) for each in in_use] == [text[e.offset : e.end] for e in in_use]
        in_use.append(made)


def test_the_rest_can_be_sought_nowhere_else():
    lender = Lender(io.BytesIO(b"half"))
    assert lent(lender) == []
    with pytest.raises(io.UnsupportedOperation, match="place"):
        lender.rest().seek(1)


def test_buffers_are_used_again_when_the_rest_was_asked_for():
    text = some_text()
    first = Lender(io.BytesIO(text), block_bytes=700, longest=LONGEST)
    used = {id(block.lines.obj) for block in first}
    first.rest()
    later = Lender(io.BytesIO(text), block_bytes=700, longest=LONGEST)
    assert {id(block.lines.obj) for block in later} == used
    other = Lender(io.BytesIO(text), block_bytes=800, longest=LONGEST)
    assert b"".join(lent(other)) == text
    assert b"".join(lent(Lender(io.BytesIO(text), block_bytes=700, longest=LONGEST))) == text
