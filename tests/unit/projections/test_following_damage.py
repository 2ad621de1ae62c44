"""Streams that go away, are cut or cannot be read while they are followed."""

from __future__ import annotations

import io
import os
import shutil

import pytest

from events.filesystem import RealFileSystem
from projections.following import FIND_EVERY, Follower
from tests.support.log_folders import append, segment
from tests.support.moved_clock import MovedClock
from tests.support.outcome_lines import succeeded


def lines(*numbers, stream="s"):
    return b"".join(succeeded(n, stream) for n in numbers)


@pytest.fixture
def away(tmp_path):
    """Follow a stream of two lines in a data folder, and a file, of which nothing more comes."""
    data, told, clock = tmp_path / "data", [], MovedClock()
    clock.move_s(3)
    append(segment(data, "s"), lines(0, 1))
    append(tmp_path / "file", b"{}\n")
    paths = [str(data), str(tmp_path / "file")]
    follower = Follower(
        paths, fs=RealFileSystem(), stdin=io.BytesIO(), clock=clock, notice=told.append
    )
    follower.newest(0)
    clock.move_s(2)
    list(follower.lines())

    def look():
        clock.move_s(1)
        return [line for _, line in follower.lines()]

    yield data, look, told
    follower.close()


@pytest.mark.parametrize("name", ["", "events", "events/s"])
def test_a_folder_that_goes_away_is_told_once_and_read_on_when_it_is_back(away, tmp_path, name):
    data, look, told = away
    (data / name).rename(tmp_path / "elsewhere")
    append(tmp_path / "file", b"{}\n")
    assert look() == [b"{}"]
    assert look() == []
    assert len(told) == 1
    assert told[0].startswith(
        "the log of stream 's' cannot be read further: [Errno 2] No such file"
    )
    (tmp_path / "elsewhere").rename(data / name)
    assert look() == []
    append(segment(data, "s"), lines(2))
    assert look() == lines(2).splitlines()
    assert len(told) == 1


def test_a_folder_that_comes_back_as_a_copy_is_read_on(away, tmp_path):
    data, look, told = away
    data.rename(tmp_path / "elsewhere")
    assert look() == []
    shutil.copytree(tmp_path / "elsewhere", data)
    append(segment(data, "s"), lines(2))
    assert look() == lines(2).splitlines()
    assert len(told) == 1


@pytest.mark.parametrize("numbers", [[7], [7, 8, 9]])
def test_another_log_in_the_place_of_one_that_went_away_is_shown_whole(away, numbers):
    data, look, told = away
    shutil.rmtree(data)
    assert look() == []
    other = b"".join(line.replace(b"job", b"j0b") for line in [lines(*numbers)])
    append(segment(data, "s"), other)
    assert look() == other.splitlines()
    assert told[1:] == [f"{segment(data, 's')} was replaced by another file, which is shown whole"]


def test_of_a_segment_that_was_cut_what_comes_then_is_shown(away):
    data, look, told = away
    os.truncate(segment(data, "s"), len(lines(0)) + 5)
    assert look() == []
    assert told == [f"{segment(data, 's')} was cut; what is written to it from now on is shown"]
    os.truncate(segment(data, "s"), len(lines(0)))
    append(segment(data, "s"), lines(3))
    assert look() == lines(3).splitlines()
    assert len(told) == 1


def test_a_stream_that_cannot_be_read_keeps_no_other_from_being_shown(away):
    data, look, told = away
    segment(data, "s").unlink()
    segment(data, "s").mkdir()
    append(segment(data, "t"), lines(0, stream="t"))
    got = [line for _ in range(FIND_EVERY) for line in look()]
    assert got == lines(0, stream="t").splitlines()
    assert len(told) == 1
    assert "is a folder" in told[0]
