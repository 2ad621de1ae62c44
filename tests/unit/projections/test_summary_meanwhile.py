"""Logs that are pruned while they are read."""

from __future__ import annotations

import io
import json

import pytest

from events.filesystem import REAL, RealFileSystem
from projections.errors import ProjectionError, SourceError
from projections.following import Follower
from projections.log_view import LogView
from projections.replay import replay
from projections.runner import Runner
from projections.verify import verify
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded
from tests.support.pruned_logs import (
    SEGMENTS,
    PruningWhenRead,
    folder_of,
    prune_to,
    replayed,
    saved,
)


def test_a_live_view_goes_on_where_segments_behind_it_are_pruned(data):
    view = LogView(data, fs=REAL)
    view.catch_up()
    prune_to(data, 9)
    append(segment(data, first=9), succeeded(11))
    assert view.catch_up()
    assert view.to_bytes() == replayed(data).to_bytes()
    assert not view.lost


def test_a_view_that_lags_behind_a_prune_goes_on_from_the_summary(data):
    notices = []
    view = LogView(data, fs=REAL, notice=notices.append)
    for first in (6, 9):
        segment(data, first=first).rename(data / str(first))
    view.catch_up()
    for first in (6, 9):
        (data / str(first)).rename(segment(data, first=first))
    prune_to(data, 9)
    view.catch_up()
    assert view.to_bytes() == replayed(data).to_bytes()
    assert notices == []
    assert not view.lost


@pytest.fixture(params=[0, 3, 6])
def pruned_at(request, data):
    before = replayed(data).to_bytes()
    return PruningWhenRead(data, f"{request.param:020d}.jsonl", 9), before


def test_a_view_that_meets_a_prune(data, pruned_at):
    fs, before = pruned_at
    view = LogView(data, fs=fs)
    view.catch_up()
    assert view.unreadable == {}
    assert view.to_bytes() == before


def test_a_replay_that_meets_a_prune(data, pruned_at):
    fs, before = pruned_at
    assert replay([str(data)], stdin=io.BytesIO(), fs=fs).snapshot.to_bytes() == before


def test_a_check_that_meets_a_prune(data, pruned_at):
    fs, _ = pruned_at
    saved(data)
    found = verify(data, fs=fs)
    assert found.ok is False, "the log has gaps of its own"
    assert found.differences == found.breaks == ()
    assert (found.attempts, found.pruned_attempts) == (7, 4)


def test_a_rebuild_that_meets_a_prune(data, pruned_at):
    fs, before = pruned_at
    assert Runner(data, fs=fs).rebuild().to_bytes() == before


def test_a_segment_that_is_gone_without_a_summary_is_told(data):
    class Losing(RealFileSystem):
        def open_read(self, path):
            if path == segment(data):
                segment(data, first=3).unlink(missing_ok=True)
            return super().open_read(path)

    view = LogView(data, fs=Losing())
    view.catch_up()
    assert list(view.unreadable) == ["a"]
    append(segment(data, first=3), *SEGMENTS[3])
    with pytest.raises(SourceError, match="No such file"):
        replay([str(data)], stdin=io.BytesIO(), fs=Losing())
    append(segment(data, first=3), *SEGMENTS[3])
    with pytest.raises(ProjectionError, match="cannot be read to its end"):
        verify(data, fs=Losing())


def test_a_follower_goes_on_behind_what_is_pruned(data):
    class Pruning(RealFileSystem):
        def open_read(self, path):
            if path.name == segment(data, first=3).name and path.exists():
                prune_to(data, 9)
            return super().open_read(path)

    follower = Follower([str(folder_of(data))], fs=Pruning(), stdin=io.BytesIO())
    seqs = [json.loads(line).get("seq") for _, line in follower.lines() if b"seq" in line]
    assert seqs == [0, 1, 2, 9, 10]
    append(segment(data, first=9), succeeded(11))
    assert [json.loads(line)["seq"] for _, line in follower.lines()] == [11]
    follower.close()


class PrunedMeanwhile(RealFileSystem):
    """The log is pruned in the moment before its second segment is opened."""

    def __init__(self, data):
        self.data = data
        self.is_pruned = False

    def open_read(self, path):
        if path == segment(self.data, first=3) and not self.is_pruned:
            self.is_pruned = True
            prune_to(self.data, 6)
        return super().open_read(path)


class GoneMeanwhile(RealFileSystem):
    """Lists a segment that is not there."""

    def list_folder(self, path):
        return sorted({*super().list_folder(path), segment(path.parents[1], first=3).name})


def test_stats_are_believed_where_the_log_is_pruned_while_they_are_looked_up(data):
    stats = saved(data)
    fs, notices = PrunedMeanwhile(data), []
    runner = Runner(data, fs=fs, notice=notices.append)
    runner.start()
    assert fs.is_pruned
    assert notices == []
    assert runner.snapshot.to_bytes() == stats


def test_a_segment_that_is_gone_and_was_not_pruned_is_an_error(data):
    saved(data)
    segment(data, first=3).unlink()
    with pytest.raises(FileNotFoundError):
        Runner(data, fs=GoneMeanwhile()).start()
