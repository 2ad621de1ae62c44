from __future__ import annotations

import pytest

from events.errors import InvalidLineError
from events.json_text import (
    bare,
    check_length,
    check_unicode,
    is_blank,
    is_unicode,
    parse_object,
)
from events.limits import MAX_LINE_BYTES


@pytest.mark.parametrize("line", [b"", b" ", b"\t\r", b"\0\0", b"\0 "])
def test_blank_lines(line):
    assert is_blank(line)


@pytest.mark.parametrize("line", [b"x", b"\x0b", b" \0", b"\xc2\xa0"])
def test_other_white_space_is_no_blank_line(line):
    assert not is_blank(line)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"{}\n", b"{}"),
        (b"\0\0{}", b"{}"),
        (b"\xef\xbb\xbf{}", b"{}"),
        (b"\0\xef\xbb\xbf{}\n", b"{}"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", b"\xef\xbb\xbf{}"),
        (b" {} \0", b" {} \0"),
    ],
)
def test_what_may_stand_before_a_text(line, text):
    assert bare(line) == text


def test_a_line_as_long_as_the_limit_with_its_end():
    check_length(b"x" * (MAX_LINE_BYTES - 1) + b"\n")
    with pytest.raises(InvalidLineError, match="longer than 1,048,576 bytes"):
        check_length(b"x" * MAX_LINE_BYTES)


def test_numbers_that_nothing_can_hold_stay_text():
    assert parse_object('{"a":-1e400,"b":1.5,"c":7}') == {"a": "-1e400", "b": 1.5, "c": 7}
    assert parse_object('{"a":' + "9" * 5000 + "}") == {"a": "9" * 5000}


@pytest.mark.parametrize("text", ["", "[]", "{", "{}x", '{"a":Infinity}', "[" * 99_999])
def test_what_is_no_object(text):
    with pytest.raises(InvalidLineError):
        parse_object(text)


def test_half_a_surrogate_pair():
    text = '{"a":["\\ud83d\\ude00"]}'
    check_unicode(text, parse_object(text))
    half = '{"\\ud83d":1}'
    assert not is_unicode(parse_object(half))
    with pytest.raises(InvalidLineError, match="half a surrogate pair"):
        check_unicode(half, parse_object(half))
