"""A rebuild gives the same bytes, and keeps a copy where the log holds less than was counted."""

from __future__ import annotations

import pytest

from projections.errors import ProjectionError
from projections.store import SnapshotStore
from tests.support.held_clock import HeldClock
from tests.support.kept_stats import LINES, DiskFileSystem, folder_with_log
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded


@pytest.fixture
def folder(tmp_path):
    return folder_with_log(tmp_path)


def test_rebuild_gives_the_same_bytes_and_does_not_read_the_old_file(folder):
    runner = folder.save()
    before = folder.stats.read_bytes()
    folder.stats.unlink()
    assert folder.runner(started=False).rebuild().to_bytes() == before
    folder.stats.write_text("damaged")
    folder.runner(started=False).rebuild()
    assert folder.stats.read_bytes() == before
    compress(segment(folder.data), ".zst")
    folder.runner(started=False).rebuild()
    assert folder.stats.read_bytes() == before
    assert folder.kept() == folder.notices == []
    runner.catch_up()
    assert not runner.save()


def test_rebuild_keeps_what_counted_more_than_the_log_holds_now(folder):
    folder.save()
    before = folder.stats.read_bytes()
    path = segment(folder.data)
    path.write_bytes(LINES[0] + LINES[1])
    folder.runner(started=False).rebuild()

    assert folder.jobs() == 1
    (kept,) = folder.kept()
    assert kept.startswith("stats.json.replaced-")
    assert (folder.data / kept).read_bytes() == before
    (notice,) = folder.notices
    assert "'a'" in notice
    assert kept in notice
    assert "backup" in notice


@pytest.mark.parametrize("first", [0, 3])
def test_rebuild_keeps_what_counted_a_segment_that_is_gone_from_the_midst(folder, first):
    append(segment(folder.data, first=3), succeeded(3))
    append(segment(folder.data, first=4), succeeded(4))
    folder.save()
    before = folder.stats.read_bytes()
    segment(folder.data, first=first).unlink()
    folder.runner(started=False).rebuild()

    (kept,) = folder.kept()
    assert (folder.data / kept).read_bytes() == before
    (notice,) = folder.notices
    assert kept in notice
    assert "backup" in notice


def test_a_live_runner_takes_over_what_a_rebuild_corrected(folder):
    runner = folder.save()
    wrong = runner.snapshot.streams["a"].stats
    wrong.jobs_processed += 5  # as a defect of ours would
    folder.runner(started=False).rebuild()
    right = folder.stats.read_bytes()
    SnapshotStore(folder.data, fs=DiskFileSystem(), clock=HeldClock()).replace(right[:-1])
    append(segment(folder.data), succeeded(3))
    runner.catch_up()
    runner.save()

    assert folder.stats.read_bytes() == folder.replayed()
    assert folder.jobs() == 3


def test_rebuild_does_not_replace_by_less_than_can_be_read(folder):
    folder.save()
    before = folder.stats.read_bytes()
    packed = compress(segment(folder.data))
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ProjectionError, match=r"left as it was.*'a' cannot be read to its end"):
        folder.runner(started=False).rebuild()
    assert folder.stats.read_bytes() == before
