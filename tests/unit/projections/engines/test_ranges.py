from __future__ import annotations

import io

import pytest

from projections.engines.ranges import Span, SpanLines

TEXT = b"one\n\ntwo and more\nx\n" + b"y" * 40 + b"\nlast\n"


def read(text: bytes, begin: int, end: int, size: int | None = None) -> tuple[int, bytes, int]:
    lines = SpanLines(io.BytesIO(text), Span(begin, end, len(text) if size is None else size))
    data = lines.readall()
    return lines.begin, data, lines.lines


@pytest.mark.parametrize("text", [TEXT, TEXT + b"no end", b"no end at all", b""])
def test_wherever_a_file_is_cut_each_line_is_in_one_span_and_whole(text):
    size = len(text)
    for one in range(size + 1):
        for two in range(one, size + 1):
            parts = [read(text, *cut) for cut in ((0, one), (one, two), (two, size))]
            assert b"".join(data for _, data, _ in parts) == text
            for begin, data, lines in parts:
                assert text[begin : begin + len(data)] == data
                assert lines == data.count(b"\n")
                assert not data or begin == 0 or text[begin - 1 : begin] == b"\n"


def test_a_line_is_found_that_is_longer_than_what_is_looked_at_at_once():
    text = b"z" * 200_000 + b"\nlast\n"

    assert read(text, 1, len(text))[1] == b"last\n"
    assert read(text, 0, 1)[1] == text[:-5]
    assert read(text, 70_000, 140_000)[1] == b""


def test_what_was_written_since_the_file_was_cut_is_in_no_span():
    """Else a line without an end at that time would be in none: its span was read before."""
    text = b"one\ntwo"
    parts = [read(text + b" more\nthree\n", *cut, size=7) for cut in ((0, 5), (5, 7))]

    assert [data for _, data, _ in parts] == [b"one\ntwo", b""]
