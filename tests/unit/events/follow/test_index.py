"""Which of many files may begin like one."""

from __future__ import annotations

from zlib import crc32

import pytest

from events.follow.fingerprint import FIRST_BYTES, head_marks
from events.follow.index import Index, may_agree
from events.follow.tracked import Tracked
from tests.support.following.numbered import lines


def a_file(text, read=0):
    file = Tracked("log", "/logs/a", (1, 1))
    file.head, file.first = head_marks(text), text[:FIRST_BYTES]
    if read:
        file.meter.take(text[:read])
    return file


def like(file, *others):
    return [others.index(found) for found in Index(others).like(file)]


LONG = lines(1, 300)


def test_those_that_agree_as_far_as_both_have_marks():
    others = [a_file(text) for text in (LONG, LONG[:40], lines(2, 300), LONG[:1000])]
    assert sorted(like(a_file(LONG), *others)) == [0, 1, 3]
    assert sorted(like(a_file(LONG[:50]), *others)) == [0, 1, 3]
    assert like(a_file(lines(2, 9)), *others) == [2]
    assert like(a_file(b"something else that is long enough"), *others) == []


def test_one_without_any_mark_may_be_the_start_of_each():
    short = a_file(b"line 1")
    assert like(a_file(LONG), short) == [0]
    assert like(short, a_file(LONG), short) == [1], "what is so short is judged when it is longer"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(LONG, True), (LONG[:100], True), (LONG[:100] + b"!", False), (b"", True)],
)
def test_the_first_bytes_are_compared_where_both_are_kept(text, expected):
    assert may_agree(a_file(LONG), a_file(text), LONG) is expected


def test_what_was_read_of_a_file_that_is_there_is_compared():
    other = a_file(LONG, read=2000)
    other.first = b""
    other.places = [object()]
    assert may_agree(a_file(LONG), other, LONG[:4096])
    other.meter.crc = crc32(b"another text")
    assert not may_agree(a_file(LONG), other, LONG[:4096])
    assert may_agree(a_file(LONG), other, LONG[:1999]), "that much was not seen of it"
    other.places = []
    assert may_agree(a_file(LONG), other, LONG[:4096]), "of one that is gone more is known"
