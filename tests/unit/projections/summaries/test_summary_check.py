"""`verify` reads all, and tells of summaries that say something else."""

from __future__ import annotations

import json
import os

import pytest

from projections.verify import verify
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import opened, succeeded
from tests.support.pruned_logs import prune_to
from tests.support.summed_logs import (
    ReadingFileSystem,
    false_summary,
    one_more_duplicate,
    rebuilt,
    summary_files,
    write_segments,
)


@pytest.fixture
def data(tmp_path):
    """Five sealed segments of four lines (0, 4, 8, 12, 16) and a last one, and their summaries."""
    data = tmp_path / "data"
    write_segments(data, 5)
    rebuilt(data)
    return data


def changed_unseen(path, old, new):
    """Change bytes as a failing disk does: size, time and inode stay."""
    times = path.stat()
    text = path.read_bytes()
    assert old in text
    path.write_bytes(text.replace(old, new, 1))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_right_ones_are_nothing_to_tell_of_and_all_is_read(data):
    found = verify(data, fs=(fs := ReadingFileSystem()))
    assert found.ok
    assert found.wrong_summaries == ()
    assert len(set(fs.opened)) == 6


def test_a_segment_that_changed_unseen_is_found(data):
    path = segment(data, first=8)
    changed_unseen(path, b'"job_id": 2', b'"job_id": 7')
    found = verify(data)
    assert found.differences == (), "what it adds up to is the same"
    (wrong,) = found.wrong_summaries
    assert wrong.startswith(f"{path} has other bytes than when it was summed up")
    assert not found.ok


def test_so_it_is_where_its_numbers_changed(data):
    path = segment(data, first=8)
    changed_unseen(path, b'"duration_ns": 200000000', b'"duration_ns": 900000000')
    assert rebuilt(data) == rebuilt(data), "which a rebuild cannot see"
    found = verify(data)
    assert len(found.differences) == 1
    (wrong,) = found.wrong_summaries
    assert wrong.startswith(f"{path} has other bytes"), "that the group's sum differs is no wonder"
    assert found.changed_segments == (str(path),)
    rebuilt(data, summed=False)
    assert verify(data).ok


@pytest.mark.parametrize("line", [1, 3, 5])
def test_a_false_summary_of_a_segment_is_found(data, line):
    (path,) = summary_files(data)
    false_summary(path, line, one_more_duplicate)
    found = verify(data)
    (wrong,) = found.wrong_summaries
    of = f"the summary of segment {segment(data, first=4 * line - 4)}, in {path}, says something"
    assert wrong.startswith(of)
    assert found.changed_segments == ()


def test_a_false_sum_of_several_is_found(data):
    (path,) = summary_files(data)
    false_summary(path, 0, one_more_duplicate)
    assert json.loads(rebuilt(data))["duplicates"] == 1, "a rebuild believes it"
    found = verify(data)
    (wrong,) = found.wrong_summaries
    first, last = segment(data, first=0), segment(data, first=16)
    assert f"the summary of segments {first} to {last}, in {path}, says something else" in wrong
    assert len(found.differences) == 1
    rebuilt(data, summed=False)
    assert verify(data).ok


def test_the_last_of_a_group_that_changed_is_told_and_not_the_group(data):
    path = segment(data, first=16)
    changed_unseen(path, b'"duration_ns": 200000000', b'"duration_ns": 900000000')
    found = verify(data)
    assert found.changed_segments == (str(path),)
    assert len(found.wrong_summaries) == 1


def test_one_that_changed_is_found_by_the_group_where_its_own_summary_is_damaged(data):
    (stored,) = summary_files(data)
    lines = stored.read_bytes().splitlines(keepends=True)
    lines[3] = b"damaged\n"
    stored.write_bytes(b"".join(lines))
    path = segment(data, first=8)
    changed_unseen(path, b'"duration_ns": 200000000', b'"duration_ns": 900000000')
    found = verify(data)
    assert found.changed_segments == (str(path),)
    assert len(found.wrong_summaries) == 1


def test_it_is_told_once_of_a_group_of_one(tmp_path):
    write_segments(tmp_path, 1)
    rebuilt(tmp_path)
    for line in (0, 1):
        false_summary(*summary_files(tmp_path), line, one_more_duplicate)
    assert len(verify(tmp_path).wrong_summaries) == 1


def test_what_no_rebuild_would_believe_is_not_told(data):
    (path,) = summary_files(data)
    for line in range(6):
        false_summary(path, line, one_more_duplicate)
    for first in range(0, 20, 4):
        compress(segment(data, first=first), ".zst")
    assert verify(data).ok


def test_nor_what_it_would_not_add_for_its_lines_stand_twice(data):
    """Its segments are read, then, whatever the summaries say."""
    path = segment(data, first=2)
    append(path, *segment(data, first=0).read_bytes().splitlines(keepends=True)[2:])
    rebuilt(data)
    (stored,) = summary_files(data)
    false_summary(stored, 2, one_more_duplicate)
    assert verify(data).ok


@pytest.mark.parametrize("upto", [0, 6, 8, 19, 20])
def test_it_does_not_matter_where_stats_end(tmp_path, upto):
    write_segments(tmp_path, 5)
    rebuilt(tmp_path)
    stats = (tmp_path / "stats.json").read_bytes()
    (path,) = summary_files(tmp_path)
    for first in range(0, 24, 4):
        lines = segment(tmp_path, first=first).read_bytes().splitlines(keepends=True)
        (tmp_path / "aside").mkdir(exist_ok=True)
        segment(tmp_path, first=first).rename(tmp_path / "aside" / f"{first}")
        kept = [line for at, line in enumerate(lines, first) if at < upto]
        if kept:
            append(segment(tmp_path, first=first), *kept)
    append(segment(tmp_path), *([] if upto else [b"\n"]))
    kept_summaries = path.read_bytes()
    rebuilt(tmp_path)
    for first in range(0, 24, 4):
        (tmp_path / "aside" / f"{first}").replace(segment(tmp_path, first=first))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kept_summaries)
    assert (tmp_path / "stats.json").read_bytes() != stats
    assert verify(tmp_path).wrong_summaries == ()
    false_summary(path, 3, one_more_duplicate)
    assert len(verify(tmp_path).wrong_summaries) == 1


def test_pruned_segments_are_not_missed(data):
    prune_to(data, 8)
    assert verify(data).ok
    (path,) = summary_files(data)
    false_summary(path, 4, one_more_duplicate)
    (wrong,) = verify(data).wrong_summaries
    assert str(segment(data, first=12)) in wrong


def test_without_stats_they_are_checked_too(data):
    (data / "stats.json").unlink()
    assert verify(data).ok
    false_summary(*summary_files(data), 1, one_more_duplicate)
    assert not verify(data).ok


def test_the_newest_segment_has_none(data):
    append(segment(data, first=24), opened(24, "e24"), succeeded(25))
    rebuilt(data)
    segment(data, first=24).unlink()
    rebuilt(data)
    changed_unseen(segment(data, first=20), b'"job_id": 2', b'"job_id": 7')
    assert verify(data).wrong_summaries == ()
