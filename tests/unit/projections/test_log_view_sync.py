"""What a view has read is brought to the disk once, and what a failed sync left is not believed."""

from __future__ import annotations

import errno

import pytest

from projections.errors import ProjectionError
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded
from tests.support.watched_logs import Watched


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path)


def test_what_was_read_is_synced_once(watched, tmp_path):
    append(segment(tmp_path), succeeded(0))
    append(segment(tmp_path, first=1), succeeded(1))
    compress(append(segment(tmp_path, "b"), succeeded(0, "b")))
    watched.catch_up()
    watched.view.sync()
    watched.view.sync()

    assert [name for call, name in watched.fs.calls if call == "sync_file"] == [
        segment(tmp_path).name,
        segment(tmp_path, first=1).name,
    ]
    append(segment(tmp_path, first=1), succeeded(2))
    watched.catch_up()
    watched.view.sync()
    assert watched.fs.count("sync_file") == 3


def test_its_name_is_synced_after_it(watched, tmp_path):
    path = append(segment(tmp_path), succeeded(0))
    watched.catch_up()
    watched.view.sync()
    syncs = [(call, name) for call, name in watched.fs.calls if call.startswith("sync")]
    assert syncs == [("sync_file", path.name), ("sync_folder", "a")]


def test_a_segment_that_was_compressed_meanwhile_needs_no_sync(watched, tmp_path):
    path = append(segment(tmp_path), succeeded(0))
    watched.catch_up()
    compress(path)
    watched.view.sync()


LOSSES = pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])


@LOSSES
def test_a_failed_sync_is_never_tried_again_and_believed(tmp_path, code):
    append(segment(tmp_path), succeeded(0))
    watched = Watched(tmp_path, faults={("sync_file", 1): code})
    watched.catch_up()
    watched.refuses()
    append(segment(tmp_path), succeeded(1))
    watched.catch_up()
    watched.refuses()
    assert watched.fs.count("sync_file") == 1


@LOSSES
@pytest.mark.parametrize("then", ["begins", "compresses", "loses"])
def test_when_its_writer_has_begun_another_segment_saving_goes_on(tmp_path, code, then):
    path = append(segment(tmp_path), succeeded(0))
    watched = Watched(tmp_path, faults={("sync_file", 1): code})
    watched.catch_up()
    watched.refuses()
    append(segment(tmp_path, first=1), succeeded(1))
    if then == "compresses":
        compress(path)
    elif then == "loses":
        path.unlink()
    watched.catch_up()
    watched.view.sync()
    assert [name for call, name in watched.fs.calls if call == "sync_file"] == [
        path.name,
        segment(tmp_path, first=1).name,
    ], "what may have been dropped is not asked for again"
    watched.view.sync()


@LOSSES
def test_when_it_was_written_anew_under_its_name_it_is_synced_and_saving_goes_on(tmp_path, code):
    """As a writer does none of whose lines in it had come to the disk."""
    path = append(segment(tmp_path), succeeded(0))
    watched = Watched(tmp_path, faults={("sync_file", 1): code})
    watched.catch_up()
    watched.refuses()
    path.rename(tmp_path / "kept")  # else its number may be given to the new file
    append(path, succeeded(0), succeeded(1))
    watched.catch_up()
    watched.view.sync()
    assert watched.fs.count("sync_file") == 2


def test_of_two_that_failed_each_one_keeps_stats_from_being_saved(tmp_path):
    append(segment(tmp_path), succeeded(0))
    append(segment(tmp_path, "b"), succeeded(0, "b"))
    watched = Watched(tmp_path, faults={("sync_file", n): errno.EIO for n in (1, 2)})
    watched.catch_up()
    watched.refuses()
    append(segment(tmp_path, first=1), succeeded(1))
    watched.refuses()
    append(segment(tmp_path, "b", first=1), succeeded(1, "b"))
    watched.catch_up()
    watched.view.sync()


def test_where_the_file_could_not_be_opened_it_is_tried_again(tmp_path):
    append(segment(tmp_path), succeeded(0))
    watched = Watched(tmp_path, faults={("sync_file", 1): errno.EMFILE})
    watched.catch_up()

    with pytest.raises(ProjectionError, match="Too many open files"):
        watched.view.sync()
    watched.view.sync()
    assert watched.fs.count("sync_file") == 2
