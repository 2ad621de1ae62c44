"""Where summaries cannot be written, or must not be, all else goes on."""

from __future__ import annotations

import errno
import os

import pytest

from events.filesystem import RealFileSystem
from events.log.sealing import HOUSEKEEPING_LOCK
from projections.prune import prune
from projections.runner import Runner
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded
from tests.support.pruned_logs import replayed
from tests.support.summed_logs import rebuilt, summary_files, summed, touch, write_segments


@pytest.fixture
def data(tmp_path):
    return summed(tmp_path / "data")


class NoSummaries(RealFileSystem):
    """Refuses to write summaries."""

    def make_folder(self, path, mode=0o700):
        if "summaries" in str(path):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        super().make_folder(path, mode)


def test_it_is_said_once_and_all_else_goes_on(tmp_path):
    write_segments(tmp_path, 2)
    write_segments(tmp_path, 2, "b")
    told = []
    runner = Runner(tmp_path, fs=NoSummaries(), notice=told.append)
    for _ in range(2):
        runner.rebuild()
    assert (tmp_path / "stats.json").read_bytes() == replayed(tmp_path / "events").to_bytes()
    (said,) = told
    assert "the summaries of segments cannot be written" in said
    assert "nothing is lost" in said


def test_a_prune_says_so_too(tmp_path):
    write_segments(tmp_path, 2)
    told = []
    prune(
        tmp_path,
        None,
        compress=True,
        lease_seq={}.get,
        fs=NoSummaries(),
        notice=told.append,
    )
    (said,) = told
    assert said.startswith("the summaries of segments cannot be written")
    assert len([*segment(tmp_path).parent.glob("*.zst")]) == 2


@pytest.mark.parametrize("name", ["summaries", "summaries/a"])
def test_they_are_not_written_through_a_link(tmp_path, name):
    data = tmp_path / "data"
    write_segments(data, 2)
    (tmp_path / "elsewhere").mkdir()
    (data / name).parent.mkdir(exist_ok=True)
    (data / name).symlink_to(tmp_path / "elsewhere")
    told = []
    Runner(data, notice=told.append).rebuild()
    assert "is a symbolic link" in told[0]
    assert [*(tmp_path / "elsewhere").rglob("*.json")] == []


def test_nor_while_somebody_compresses_or_prunes(tmp_path):
    write_segments(tmp_path, 2)
    with RealFileSystem().lock(tmp_path / HOUSEKEEPING_LOCK):
        rebuilt(tmp_path)
    assert summary_files(tmp_path) == []


def test_their_files_are_for_their_owner_alone(data):
    assert (data / "summaries").stat().st_mode & 0o777 == 0o700
    assert summary_files(data)[0].stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_where_no_segment_is_sealed(tmp_path):
    append(segment(tmp_path), succeeded(0))
    rebuilt(tmp_path)
    assert not (tmp_path / "summaries").exists()


def test_a_segment_that_changes_while_it_is_summed_up_has_no_summary(tmp_path):
    write_segments(tmp_path, 1)

    class Changing(RealFileSystem):
        def open_read(self, path):
            if path == segment(tmp_path):
                touch(path)
            return super().open_read(path)

    rebuilt(tmp_path, fs=Changing())
    assert summary_files(tmp_path) == []


@pytest.mark.parametrize("time", [1, 2])
def test_one_that_is_compressed_while_it_is_summed_up_is_read_whole_without(tmp_path, time):
    write_segments(tmp_path, 1)
    expected = rebuilt(tmp_path, summed=False)
    for path in summary_files(tmp_path):
        path.unlink()
    notices = []

    class Compressing(RealFileSystem):
        opened = 0

        def open_read(self, path):
            self.opened += path == segment(tmp_path)
            if path == segment(tmp_path) and self.opened == time:
                compress(path)
            return super().open_read(path)

    assert rebuilt(tmp_path, fs=Compressing(), notice=notices.append) == expected
    assert summary_files(tmp_path) == []
    assert notices == []
