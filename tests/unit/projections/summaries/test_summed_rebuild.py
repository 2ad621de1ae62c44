"""A rebuild takes summaries of sealed segments where they fit, and reads the other segments."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from projections.runner import Runner
from projections.summaries.drafts import GROUP_SEGMENTS
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import opened, succeeded
from tests.support.pruned_logs import replayed
from tests.support.summed_logs import (
    LAST,
    ReadingFileSystem,
    read_by_rebuild,
    rebuilt,
    rebuilt_and_read,
    summary_files,
    summed,
    told_by,
    touch,
    write_segments,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path):
    return summed(tmp_path / "data")


def in_place(path: Path, old: bytes, new: bytes) -> None:
    """Change a file's bytes, not its size."""
    assert len(old) == len(new)
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new))
    touch(path)


def test_of_sealed_segments_with_summaries_nothing_is_read(data):
    assert read_by_rebuild(data) == [LAST]


def test_nor_is_any_of_several_files_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr("projections.summaries.drafts.GROUP_SEGMENTS", 3)
    write_segments(tmp_path, 8)
    write_segments(tmp_path, 2, "b")
    rebuilt(tmp_path)
    assert [path.name.lstrip("0") for path in summary_files(tmp_path)] == [
        ".json",  # of "a"
        "12.json",
        "24.json",
        ".json",  # of "b"
    ]
    assert read_by_rebuild(tmp_path) == ["32.jsonl", "8.jsonl"]
    assert GROUP_SEGMENTS > 3


def test_without_summaries_all_is_read_and_they_are_made_anew(data):
    before = [path.read_bytes() for path in summary_files(data)]
    for path in summary_files(data):
        text = path.read_bytes()
        path.write_bytes(text.replace(b'"jobs_failed":5', b'"jobs_failed":6'))
    _, read = rebuilt_and_read(data, summed=False)
    assert len(read) == 6
    assert [path.read_bytes() for path in summary_files(data)] == before


@pytest.mark.parametrize("first", [0, 8, 16])
def test_only_a_segment_that_was_changed_is_read(data, first):
    in_place(segment(data, first=first), b'"job_id": 2', b'"job_id": 3')
    assert read_by_rebuild(data) == sorted([f"{first}.jsonl", LAST])
    assert read_by_rebuild(data) == [LAST], "its summary was made anew"


def test_a_file_put_in_a_segments_place_is_another_one(data):
    path = segment(data, first=4)
    status = path.stat()
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes().replace(b'"job_id": 2', b'"job_id": 3'))
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    copy.replace(path)
    assert read_by_rebuild(data) == [LAST, "4.jsonl"]


def test_a_longer_or_shorter_segment_is_read(data):
    append(segment(data, first=4), succeeded(7, duration_ns=5))
    text = segment(data, first=8).read_bytes()
    segment(data, first=8).write_bytes(text[:-30])
    assert read_by_rebuild(data) == [LAST, "4.jsonl", "8.jsonl"]


def test_a_segment_that_is_gone_makes_a_gap_and_no_other_is_read(data):
    segment(data, first=8).unlink()
    assert read_by_rebuild(data) == [LAST]
    assert json.loads(rebuilt(data))["gaps"] == 1


def test_a_new_segment_is_read_once(data):
    append(segment(data, first=24), opened(24, "e24"), succeeded(25))
    assert read_by_rebuild(data) == [LAST, "24.jsonl"]
    assert read_by_rebuild(data) == ["24.jsonl"]


def test_the_newest_segment_is_read_though_there_is_a_summary_of_it(data):
    """As after the one behind it was lost: it is written to now."""
    segment(data, first=20).unlink()
    assert read_by_rebuild(data) == ["16.jsonl"]
    append(segment(data, first=16), succeeded(20))
    assert read_by_rebuild(data) == ["16.jsonl"]


def test_a_segment_with_an_invalid_line_is_read_each_time_to_tell_of_it(data):
    append(segment(data, first=8), b"not json\n")
    assert read_by_rebuild(data) == [LAST, "8.jsonl"]
    assert read_by_rebuild(data) == [LAST, "8.jsonl"]
    (told,) = told_by(data)
    assert told.startswith(f"{segment(data, first=8)}, line 5, byte ")


def test_lines_that_stand_in_two_segments_count_once(data):
    """As after a failed sync, when the writer has written them again."""
    again = segment(data, first=8).read_bytes().splitlines(keepends=True)[-1]
    path = segment(data, first=12)
    path.write_bytes(again + path.read_bytes())
    touch(path)
    for _ in range(2):
        assert read_by_rebuild(data) == ["12.jsonl", LAST]
        found = json.loads((data / "stats.json").read_bytes())
        assert (found["duplicates"], found["jobs_processed"]) == (1, 18)


def test_a_whole_segment_that_stands_twice_counts_once(data):
    path = segment(data, first=9)
    path.write_bytes(segment(data, first=8).read_bytes())
    for _ in range(2):
        assert read_by_rebuild(data) == [LAST, "9.jsonl"]
        assert json.loads((data / "stats.json").read_bytes())["duplicates"] == 4


def test_an_empty_and_a_torn_sealed_segment_change_nothing(data):
    append(segment(data, first=21))
    append(segment(data, first=22), b'{"event":"job.succeeded",')
    append(segment(data, first=23), b"\n\n")
    append(segment(data, first=24), opened(24, "e24"))
    before = replayed(data / "events").to_bytes()
    assert rebuilt(data) == before
    assert read_by_rebuild(data) == ["24.jsonl"]


def test_a_sealed_segment_without_a_line_leaves_the_place_where_it_was(data):
    append(segment(data, first=22), b'{"event":"job.succeeded",')
    append(segment(data, first=24))
    before = replayed(data / "events").to_bytes()
    for _ in range(2):
        assert rebuilt(data) == before
    append(segment(data, first=24), opened(24, "e24"))
    runner = Runner(data)
    runner.start()
    runner.catch_up()
    runner.save()
    assert (data / "stats.json").read_bytes() == replayed(data / "events").to_bytes()


def test_stats_can_be_gone_on_from_whatever_was_summed(data):
    append(segment(data, first=20), succeeded(24))
    runner = Runner(data)
    runner.start()
    runner.catch_up()
    runner.save()
    assert (data / "stats.json").read_bytes() == replayed(data / "events").to_bytes()


def test_stats_that_are_gone_are_made_from_summaries_too(data):
    (data / "stats.json").unlink()
    runner = Runner(data, fs=(fs := ReadingFileSystem()))
    runner.start()
    runner.catch_up()
    runner.save()
    assert {name.lstrip("0") for name in fs.opened} == {LAST}
    assert (data / "stats.json").read_bytes() == replayed(data / "events").to_bytes()
