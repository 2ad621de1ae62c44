"""What is remembered of a text."""

from __future__ import annotations

from random import Random
from zlib import crc32

import pytest

from events.follow.fingerprint import HEAD_BYTES, MOST_ENDS, Meter, agree, head_marks
from tests.support.following.numbered import lines

TEXT = lines(1, 900)


def values(meter):
    return {name: getattr(meter, name) for name in Meter.__slots__ if name != "text"}


@pytest.mark.parametrize("size", [1, 15, 16, 17, 700, len(TEXT)])
def test_it_is_the_same_in_whatever_pieces_a_text_is_taken(size):
    meter = Meter()
    for begin in range(0, len(TEXT), size):
        meter.take(TEXT[begin : begin + size])
    assert meter.offset == len(TEXT)
    assert meter.crc == crc32(TEXT)
    assert meter.marks == [crc32(TEXT[: 16 << index]) for index in range(11)]
    assert 16 << 11 > len(TEXT) >= 16 << 10


def test_a_copy_is_of_the_same_text_and_one_apart_only_holds_the_same():
    meter = Meter()
    meter.take_lines(TEXT)
    copy, apart = meter.copy(), meter.apart()

    assert values(copy) == values(apart) == values(meter)
    assert copy.text is meter.text
    assert apart.text is not meter.text


def test_and_in_whatever_lines():
    random = Random(4)
    every = TEXT.splitlines(keepends=True)
    whole, pieces = Meter(), Meter()
    whole.take_lines(TEXT)
    while every:
        count = random.randint(1, 9)
        pieces.take_lines(b"".join(every[:count]))
        del every[:count]
    assert values(whole) == values(pieces)


def test_the_last_ends_of_lines_in_the_first_4096_bytes_are_kept():
    meter = Meter()
    meter.take_lines(TEXT)
    ends = [end for end in range(1, HEAD_BYTES) if TEXT[end - 1 : end] == b"\n"][-MOST_ENDS:]
    assert meter.ends == [(end, crc32(TEXT[:end])) for end in ends]


def test_a_copy_goes_on_by_itself():
    meter = Meter()
    meter.take_lines(TEXT[:100])
    before = values(meter.copy())
    copy = meter.copy()
    copy.take_lines(TEXT[100:])
    copy.end(TEXT[-256:])
    assert values(meter) == before
    assert (copy.tail_length, copy.tail_crc) == (256, crc32(TEXT[-256:]))


def test_texts_agree_as_far_as_both_have_marks():
    short, long = head_marks(TEXT[:100]), head_marks(TEXT)
    assert (len(short), len(long)) == (3, 9)
    assert agree(short, long)
    assert agree(long, short)
    assert agree([], long)
    other = head_marks(b"!" + TEXT)
    assert not agree(short, other)
