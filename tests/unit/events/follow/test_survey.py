"""What is seen of a text while it is judged."""

from __future__ import annotations

import os
from zlib import crc32

import pytest

from events.errors import EventsError
from events.follow.survey import Survey, same_text

MIB = 1 << 20
LONG = os.urandom(3 * MIB + 5)


class Text:
    """A text that notes what was read of it."""

    def __init__(self, data):
        self.data = data
        self.read = []

    def read_at(self, offset, size):
        self.read.append((offset, size))
        if self.data is None:
            raise EventsError("damaged")
        return self.data[offset : offset + size]


def test_an_archive_is_gone_through_once():
    text, survey = Text(LONG), Survey()
    assert survey.to_end(text) == len(LONG)
    assert survey.meter.crc == crc32(LONG)
    count = len(text.read)
    assert survey.to_end(text) == len(LONG)
    assert len(text.read) == count


def test_a_damaged_one_has_no_length():
    survey = Survey()
    with pytest.raises(EventsError):
        survey.to_end(Text(None))
    assert survey.length is None


def test_the_crc_is_kept_where_it_is_asked_for():
    text, survey = Text(LONG), Survey()
    survey.extend(text, MIB, {7, 100, 2 * MIB})
    assert survey.crcs == {at: crc32(LONG[:at]) for at in (7, 100, MIB)}
    assert survey.meter.offset == MIB


def test_it_goes_on_where_the_text_has_grown():
    text, survey = Text(LONG[:100]), Survey()
    survey.extend(text, 100)
    text.data, text.read = LONG, []
    survey.extend(text, 300, {200})
    assert text.read == [(100, 100), (200, 100)]
    assert survey.crcs == {at: crc32(LONG[:at]) for at in (100, 200, 300)}


def test_what_was_passed_is_seen_again_from_the_start():
    text, survey = Text(LONG), Survey()
    survey.extend(text, 1000)
    survey.extend(text, 1000, {500})
    assert survey.crcs == {at: crc32(LONG[:at]) for at in (500, 1000)}


def test_it_ends_where_the_text_does():
    survey = Survey()
    survey.extend(Text(LONG[:10]), 100)
    assert survey.meter.offset == 10
    assert survey.crcs == {}


def test_two_texts_are_compared_on_from_where_they_were_the_same():
    survey, one, other = Survey(), Text(LONG), Text(LONG)
    assert same_text(survey, one, other, 2 * MIB)
    one.read.clear()
    assert same_text(survey, one, other, 3 * MIB)
    assert one.read == [(2 * MIB, MIB)]
    one.read.clear()
    assert same_text(survey, one, Text(LONG), MIB)
    assert one.read == [(0, MIB)], "with another one it begins anew"


@pytest.mark.parametrize("place", [0, MIB, len(LONG) - 1])
def test_any_byte_makes_two_texts_differ(place):
    changed = bytearray(LONG)
    changed[place] ^= 1
    assert not same_text(Survey(), Text(LONG), Text(bytes(changed)), len(LONG))


def test_one_that_is_too_short_is_not_the_same():
    assert not same_text(Survey(), Text(LONG[:9]), Text(LONG), 10)
