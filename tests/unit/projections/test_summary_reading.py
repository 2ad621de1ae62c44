"""Logs with a summary: all that count give the same as before."""

from __future__ import annotations

import io
import json

import pytest

from events.filesystem import REAL, RealFileSystem
from projections.following import Follower
from projections.replay import replay
from projections.runner import Runner
from projections.verify import verify
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded
from tests.support.pruned_logs import (
    SEGMENTS,
    folder_of,
    prune_to,
    replayed,
    saved,
)


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("end", [3, 6, 9])
def test_all_that_count_give_the_same_as_before(data, end, leave):
    before = replayed(data).to_bytes()
    assert saved(data) == before
    prune_to(data, end, leave=leave)

    assert replayed(data).to_bytes() == before
    assert saved(data) == before
    (data / "stats.json").unlink()
    assert saved(data) == before
    Runner(data).rebuild()
    assert (data / "stats.json").read_bytes() == before
    found = verify(data)
    assert (found.differences, found.breaks, found.behind) == ((), (), 0)


def test_twice_pruned_and_compressed(data):
    before = replayed(data).to_bytes()
    compress(segment(data), ".zst")
    compress(segment(data, first=3), ".gz")
    prune_to(data, 3)
    compress(segment(data, first=6), ".zst")
    again = prune_to(data, 9, leave=True)
    assert again.lines == 10
    assert replayed(data).to_bytes() == saved(data) == before


def test_a_follower_of_a_stream_of_which_only_the_summary_is_left(data):
    prune_to(data, 99)
    follower = Follower([str(folder_of(data))], fs=REAL, stdin=io.BytesIO())
    assert follower.newest(5) == []
    append(segment(data, first=99), succeeded(99))
    assert [json.loads(line)["seq"] for _, line in follower.lines()] == [99]
    follower.close()


@pytest.mark.parametrize("start", ["before", "after"])
def test_a_follower_of_files_gives_a_segment_once_that_is_compressed(data, start):
    pattern = str(folder_of(data) / "*.jsonl*")
    if start == "after":
        compress(segment(data), ".zst", keep=True)
    follower = Follower([pattern], fs=REAL, stdin=io.BytesIO(), find_every=1)
    first = [line for _, line in follower.lines()]
    if start == "before":
        compress(segment(data), ".zst")
    else:
        segment(data).unlink()
    append(segment(data, first=9), succeeded(11))
    assert [json.loads(line)["seq"] for _, line in follower.lines()] == [11]
    assert len(first) == sum(len(lines) for lines in SEGMENTS.values()) - 1, "but the empty one"
    follower.close()


def test_a_glob_of_a_segment_and_its_compressed_twin_reads_it_once(data):
    before = replayed(folder_of(data) / "*.jsonl*").to_bytes()
    compress(segment(data), ".zst", keep=True)
    assert replayed(folder_of(data) / "*.jsonl*").to_bytes() == before
    packed, plain = segment(data, suffix=".zst"), segment(data)
    assert replayed(packed, plain).total() == replayed(plain).total()
    assert replayed(packed, plain).duplicates == 0
    assert replayed(data, folder_of(data) / "*").duplicates == replayed(data).duplicates

    class Compressing(RealFileSystem):
        def open_read(self, path):
            segment(data).unlink(missing_ok=True)
            return super().open_read(path)

    pattern = str(folder_of(data) / "*.jsonl*")
    again = replay([pattern], stdin=io.BytesIO(), fs=Compressing()).snapshot
    assert again.to_bytes() == before


def test_a_summary_that_a_glob_names_beside_its_stream_is_no_file_of_lines(data):
    before = replayed(data).to_bytes()
    prune_to(data, 6)
    assert replayed(data, folder_of(data) / "*.json*").to_bytes() == before
