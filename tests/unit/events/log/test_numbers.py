from __future__ import annotations

import pytest

from events.filesystem import RealFileSystem
from events.log.numbers import place_before
from events.log.segment import list_segments, segment_name
from tests.support.lines import outcome_line

FS = RealFileSystem()
FILLING = "x" * 10_000  # some ten lines of it are more than is looked at in one step


def segment(folder, lines, first=0):
    (folder / "s").mkdir()
    (folder / "s" / segment_name(first)).write_bytes(b"".join(lines))
    return list_segments(folder / "s", FS)[-1]


@pytest.mark.parametrize("seq", [0, 1, 2, 15, 28, 29, 30, 99])
@pytest.mark.parametrize("filling", ["", FILLING])
def test_no_line_before_the_place_has_that_number_or_a_higher_one(tmp_path, seq, filling):
    lines = [outcome_line(n, note=filling) for n in range(30)]
    place = place_before(seq, segment(tmp_path, lines), FS)
    begins = [sum(map(len, lines[:n])) for n in range(31)]
    assert place in begins
    assert place <= begins[min(seq, 30)]
    if filling and seq > 10:
        assert place > begins[min(seq, 30)] - 2 * 65536, "not all of it is written again"


def test_a_segment_named_by_the_number_or_a_higher_one_is_doubtful_as_a_whole(tmp_path):
    found = segment(tmp_path, [outcome_line(7), outcome_line(8)], first=7)
    assert place_before(7, found, FS) == 0
    assert place_before(0, found, FS) == 0


@pytest.mark.parametrize(
    "odd",
    [
        b"no json\n" * 20_000,
        b"\0" * 200_000 + b"\n",
        b"x" * 3_000_000 + b"\n",
        outcome_line(99, "other") * 2_000,
        b"torn" * 50_000,
    ],
    ids=["invalid", "zeros", "too long", "of another stream", "torn"],
)
def test_lines_without_a_number_of_the_stream_are_passed_over(tmp_path, odd):
    before = [outcome_line(n) for n in range(3)]
    found = segment(tmp_path, [*before, odd])
    assert place_before(3, found, FS) <= len(b"".join(before))
    assert place_before(2, found, FS) <= len(b"".join(before[:2]))


def test_an_empty_segment(tmp_path):
    assert place_before(5, segment(tmp_path, []), FS) == 0
