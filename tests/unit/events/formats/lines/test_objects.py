from __future__ import annotations

import pytest

from events.errors import InvalidLineError
from events.formats.lines.objects import read_object
from events.limits import MAX_LINE_BYTES


@pytest.mark.parametrize("end", [b"", b"\n", b" \r\n"])
@pytest.mark.parametrize("before", [b"", b"\0\0", b"\xef\xbb\xbf", b" \t"])
def test_an_object_whatever_stands_around_it(before, end):
    assert read_object(before + b'{"a":{"b":[1,"\xc3\xa9"]}}' + end) == {"a": {"b": [1, "é"]}}


def test_numbers_that_nothing_can_hold_stay_text():
    found = read_object(b'{"big":1e999,"long":' + b"7" * 5000 + b',"odd":-0.5}')
    assert found == {"big": "1e999", "long": "7" * 5000, "odd": -0.5}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON: Expecting value (character 1)"),
        (b"[1]", "JSON, but no object"),
        (b'{"a":NaN}', "not JSON: NaN is no number there"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"a":"\\udc00"}', "holds half a surrogate pair, which is no Unicode text"),
        (b'{"a":' * 201, "nested deeper than 200"),
        (b'{"a":"' + b"x" * MAX_LINE_BYTES, "longer than 1,048,576 bytes"),
    ],
)
def test_what_is_none_says_why(line, reason):
    with pytest.raises(InvalidLineError) as caught:
        read_object(line)
    assert str(caught.value) == reason
