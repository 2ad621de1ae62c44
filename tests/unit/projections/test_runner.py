"""What was folded is saved when it is on the disk, and gone on from, also by another."""

from __future__ import annotations

import errno

import pytest

from projections.errors import ProjectionError
from projections.runner import Runner
from tests.support.kept_stats import DiskFileSystem, Folder, folder_with_log
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import opened, succeeded


@pytest.fixture
def folder(tmp_path):
    return folder_with_log(tmp_path)


def test_stats_are_saved_and_gone_on_from(folder):
    folder.save()
    assert folder.jobs() == 2
    assert folder.stats.stat().st_mode & 0o777 == 0o600
    append(segment(folder.data), succeeded(3))
    told = []
    runner = Runner(folder.data, progress=told.append)
    runner.start()
    assert runner.snapshot.total().jobs_processed == 2
    assert runner.catch_up()
    assert runner.save()

    assert folder.jobs() == 3
    assert sum(told) == len(succeeded(3)), "what was folded before is not read again"
    assert folder.notices == []
    assert folder.stats.read_bytes() == runner.snapshot.to_bytes()


def test_what_has_not_changed_is_not_written_again(folder):
    runner = folder.save()
    before = folder.stats.stat()
    assert not runner.save()
    other = folder.runner()
    assert not other.catch_up()
    assert not other.save()

    after = folder.stats.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_without_events_no_file_is_made(tmp_path):
    folder = Folder(tmp_path)
    assert not folder.save().save()
    assert list(tmp_path.iterdir()) == [tmp_path / "stats.lock"]


def test_what_it_covers_is_on_the_disk_before_it_is(folder):
    append(segment(folder.data, first=3), succeeded(3))
    append(segment(folder.data, "b"), opened(0, "x", "b"))
    fs = DiskFileSystem()
    runner = folder.runner(fs)
    runner.catch_up()
    fs.calls.clear()
    runner.save()

    saved = fs.calls.index(("replace_file", "stats.json"))
    order = [call for call, _ in fs.calls[:saved] if call.startswith(("sync", "replace"))]
    assert order == ["sync_file", "sync_folder"] * 3


def test_a_failed_sync_means_no_save(folder):
    fs = DiskFileSystem(faults={("sync_file", 1): errno.EIO})
    runner = folder.runner(fs)
    runner.catch_up()
    for _ in range(2):
        with pytest.raises(ProjectionError, match="cannot be brought to disk"):
            runner.save()

    assert not folder.stats.exists()
    assert (fs.count("sync_file"), fs.count("replace_file")) == (1, 0)
    with pytest.raises(ProjectionError, match="cannot be brought to disk"):
        runner.rebuild()


def test_after_a_full_disk_a_later_save_succeeds(folder):
    folder.save()
    fs = DiskFileSystem(faults={("replace_file", 1): errno.ENOSPC})
    runner = folder.runner(fs)
    append(segment(folder.data), succeeded(3))
    runner.catch_up()
    with pytest.raises(OSError, match="No space"):
        runner.save()
    assert folder.jobs() == 2
    assert runner.save()
    assert folder.jobs() == 3


def test_what_another_has_saved_is_taken_over(folder):
    one, two = folder.runner(), folder.runner()
    one.catch_up()
    append(segment(folder.data), succeeded(3))
    two.catch_up()
    two.save()
    newer = folder.stats.read_bytes()
    assert not one.save(), "older is never put over newer"
    assert folder.stats.read_bytes() == newer
    append(segment(folder.data), succeeded(4))
    one.catch_up()
    one.save()
    two.catch_up()
    two.save()

    assert folder.jobs() == 4
    assert folder.stats.read_bytes() == folder.replayed()
    assert folder.notices == []
