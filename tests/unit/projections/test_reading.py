from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.segment import list_segments
from projections.fold import Fold
from projections.reading import Bounded, read_file, read_stream
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded

if TYPE_CHECKING:
    from projections.problems import Problem

FS = RealFileSystem()
LONG = b"x" * 1_100_000 + b"\n"


def problems_of(text: bytes, offset: int = 0) -> list[Problem]:
    found: list[Problem] = []
    for _ in read_file(Fold(), io.BytesIO(text), "f", offset=offset, problem=found.append):
        pass
    return found


def read(fold: Fold, data, **options) -> list[int]:
    folder = segment(data).parent
    return [s.first_seq for s in read_stream(fold, "a", folder, FS, **options)]


def test_invalid_lines_are_told_with_line_and_byte():
    text = succeeded(0) + b"bad\n\n" + succeeded(1) + LONG + b"[]\n" + b"unfinished"
    found = problems_of(text)

    assert [(p.line, p.offset) for p in found] == [
        (2, text.index(b"bad")),
        (5, text.index(b"xxx")),
        (6, text.index(b"[]")),
        (7, text.index(b"unfinished")),
    ]
    assert [p.incomplete for p in found] == [False, False, False, True]
    assert str(found[0]).startswith(f"f, line 2, byte {text.index(b'bad')}: not JSON")
    assert "1100001 bytes long" in found[1].reason
    assert "10 bytes without an end of line" in found[3].reason


def test_lines_are_numbered_over_blocks():
    good = succeeded(0)
    many = 1_500_000 // len(good)
    found = problems_of(good * many + b"bad\n" + good * many + b"bad\nbad\n")

    assert [p.line for p in found] == [many + 1, 2 * many + 2, 2 * many + 3]


def test_from_the_midst_of_a_file_lines_have_no_number():
    found = problems_of(b"bad\n" + LONG + b"bad\n", offset=4)

    assert [(p.line, p.offset) for p in found] == [(None, 4), (None, 4 + len(LONG))]
    assert str(found[1]).startswith(f"f, byte {4 + len(LONG)}: ")


def test_bytes_are_told_as_they_are_read():
    told: list[int] = []
    text = LONG + succeeded(0) * 9 + b"unfinished"
    for _ in read_file(Fold(), io.BytesIO(text), "f", progress=told.append):
        pass

    assert sum(told) == len(text) - len(b"unfinished")


def test_a_stream_is_read_on_from_its_place(tmp_path):
    append(segment(tmp_path), succeeded(0), succeeded(1))
    fold = Fold()

    assert read(fold, tmp_path) == [0]
    assert fold.position("a") == (0, 2 * len(succeeded(0)))
    append(segment(tmp_path), succeeded(2), b"unfin")
    append(segment(tmp_path, first=3), b"")
    assert read(fold, tmp_path) == [0, 3]
    assert fold.position("a") == (0, 3 * len(succeeded(0))), "of the last line, at its end"
    assert fold.entry("a").stats.jobs_processed == 3
    assert fold.entry("a").duplicates == 0


def test_reading_stops_at_a_place(tmp_path):
    size = len(succeeded(0))
    append(segment(tmp_path), succeeded(0), succeeded(1))
    append(segment(tmp_path, first=2), succeeded(2), succeeded(3))
    append(segment(tmp_path, first=4), succeeded(4))
    fold = Fold()

    assert read(fold, tmp_path, until=(2, size)) == [0, 2]
    assert fold.position("a") == (2, size)
    found: list[Problem] = []
    assert read(fold, tmp_path, until=(2, size + 5), problem=found.append) == [2]
    assert fold.position("a") == (2, size)
    assert read(fold, tmp_path) == [2, 4]
    assert fold.entry("a").seen == ((0, 5),)
    assert fold.entry("a").duplicates == 0


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_the_place_stays_the_same_when_a_segment_is_compressed(tmp_path, suffix):
    path = append(segment(tmp_path), succeeded(0), succeeded(1))
    fold = Fold()
    read(fold, tmp_path)
    append(path, succeeded(2))
    compress(path, suffix)
    read(fold, tmp_path)

    assert fold.entry("a").seen == ((0, 3),)
    assert fold.entry("a").duplicates == 0
    assert fold.position("a") == (0, 3 * len(succeeded(0)))


def test_after_an_error_the_place_is_that_of_what_was_folded(tmp_path):
    """So that nothing is counted again by the next try."""
    path = append(segment(tmp_path), *(succeeded(n) for n in range(30_000)))
    whole = compress(path).read_bytes()
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(whole[: len(whole) // 2])
    fold = Fold()

    with pytest.raises(EventsError, match="cut short"):
        read(fold, tmp_path)
    some = fold.entry("a").stats.jobs_processed
    assert 0 < some < 30_000
    packed.write_bytes(whole)
    read(fold, tmp_path)
    assert fold.entry("a").stats.jobs_processed == 30_000
    assert fold.entry("a").duplicates == 0


def test_what_was_listed_before_is_not_listed_again(tmp_path):
    append(segment(tmp_path), succeeded(0))
    fs = FaultyFileSystem()
    segments = list_segments(segment(tmp_path).parent, fs)
    for _ in read_stream(Fold(), "a", segment(tmp_path).parent, fs, segments=segments):
        pass

    assert fs.calls == [("open_read", segment(tmp_path).name)]


def test_the_beginning_of_a_file():
    bounded = Bounded(io.BytesIO(b"abcdef"), 4)

    assert bounded.readable()
    assert not bounded.seekable()
    assert bounded.read(3) == b"abc"
    assert bounded.read(3) == b"d"
    assert bounded.read() == b""
