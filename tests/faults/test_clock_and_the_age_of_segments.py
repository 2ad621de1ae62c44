"""The age of a segment is told by the wall clock, which jumps: new ones are begun, or later."""

from __future__ import annotations

from contextlib import closing

import pytest

from events.filesystem import RealFileSystem
from events.log.recovery import recover
from events.log.writer import StreamWriter
from tests.support.held_clock import HeldClock
from tests.support.outcome_lines import BEGIN_US, succeeded

AGE_S = 3600


@pytest.fixture
def clock():
    return HeldClock(BEGIN_US)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").mkdir()
    return tmp_path / "a"


def writer(folder, clock):
    """The writer of a stream that is as long as it is."""
    fs = RealFileSystem()
    recovered = recover(folder, fs)
    return StreamWriter(
        folder,
        next_seq=recovered.next_seq,
        fs=fs,
        segment_age_s=AGE_S,
        clock=clock,
        tail=recovered.tail,
    )


def write(writer):
    writer.append(succeeded(writer.next_seq), 1)
    writer.sync()


def firsts(folder):
    return [int(path.stem) for path in sorted(folder.glob("*.jsonl"))]


def test_set_back_the_segment_is_gone_on_with_and_grows_old_in_its_time(folder, clock):
    with closing(writer(folder, clock)) as own:
        write(own)
        clock.move_s(-86_400)
        write(own)
        assert firsts(folder) == [0]
        clock.move_s(86_400 + AGE_S)
        write(own)
        write(own)
        assert firsts(folder) == [0, 2]


def test_ten_years_ahead_one_new_segment_is_begun_and_back_none(folder, clock):
    with closing(writer(folder, clock)) as own:
        write(own)
        clock.move_s(3_653 * 86_400)
        write(own)
        write(own)
        clock.move_s(-3_653 * 86_400)
        write(own)
        assert firsts(folder) == [0, 1]
        clock.move_s(AGE_S)  # and not ten years
        write(own)
        assert firsts(folder) == [0, 1, 4]


@pytest.mark.parametrize("by_s", [-86_400, -80 * 365 * 86_400])
def test_a_worker_that_starts_with_a_segment_of_the_future_goes_on_with_it(folder, clock, by_s):
    with closing(writer(folder, clock)) as own:
        write(own)
    clock.move_s(by_s)
    with closing(writer(folder, clock)) as own:
        write(own)
    assert firsts(folder) == [0]


def test_each_line_stands_where_its_number_says(folder, clock):
    with closing(writer(folder, clock)) as own:
        for hours in (0, 2, -5, 9, 1, -30, 50):
            clock.move_s(hours * 3600)
            write(own)
    lines = b"".join(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))
    assert lines == b"".join(map(succeeded, range(7)))
