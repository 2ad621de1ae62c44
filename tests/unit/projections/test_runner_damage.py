"""A stats.json that cannot be believed, or that the log does not hold: kept aside, made anew."""

from __future__ import annotations

import errno
import io
import json
import os

import pytest

from projections.errors import ProjectionError
from projections.replay import replay
from projections.runner import Runner
from projections.snapshot import Snapshot, parse_snapshot
from tests.support.held_clock import HeldClock
from tests.support.kept_stats import LINES, DiskFileSystem, folder_with_log
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import opened, succeeded


@pytest.fixture
def folder(tmp_path):
    return folder_with_log(tmp_path)


DAMAGE = {
    "not json": b"nothing",
    "not utf-8": b'{"streams": "\xff"}',
    "no object": b"[]",
    "no snapshot": b'{"jobs_processed": 7}',
    "cut short": Snapshot.empty().to_bytes()[:-40],
    "newer": json.dumps(json.loads(Snapshot.empty().to_bytes()) | {"schema": 2}).encode(),
    "other fold": json.dumps(json.loads(Snapshot.empty().to_bytes()) | {"fold": 99}).encode(),
    "wrong sum": json.dumps(
        json.loads(Snapshot.empty().to_bytes()) | {"jobs_processed": 1}
    ).encode(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_cannot_be_believed_is_kept_aside_and_made_anew(folder, damage):
    folder.stats.write_bytes(DAMAGE[damage])
    folder.save()

    (kept,) = folder.kept()
    assert kept.startswith("stats.json.corrupt-")
    assert (folder.data / kept).read_bytes() == DAMAGE[damage]
    assert len(folder.notices) == 1
    assert kept in folder.notices[0]
    assert folder.stats.read_bytes() == folder.replayed()
    folder.save()
    assert len(folder.notices) == 1


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_moved_aside(folder, make):
    make(folder.stats)
    runner = folder.save()
    assert folder.stats.read_bytes() == folder.replayed()
    folder.stats.unlink()
    make(folder.stats)
    runner.save()
    folder.stats.unlink()
    make(folder.stats)
    folder.runner(started=False).rebuild()

    assert folder.stats.read_bytes() == folder.replayed()
    assert len(folder.kept()) == len(folder.notices) == 3


def test_an_empty_file_holds_nothing(folder):
    folder.stats.touch()
    folder.save()
    assert folder.stats.read_bytes() == folder.replayed()
    assert folder.kept() == []


def test_a_sound_file_that_cannot_be_read_now_stays(folder):
    folder.save()
    before = folder.stats.read_bytes()
    fs = DiskFileSystem(faults={("open_read", 1): errno.EMFILE})
    runner = folder.runner(fs, started=False)
    with pytest.raises(ProjectionError, match="Too many open files"):
        runner.start()
    assert folder.stats.read_bytes() == before
    runner.start()
    assert runner.snapshot.total().jobs_processed == 2


def test_a_file_that_is_deleted_or_damaged_meanwhile_is_written_again(folder):
    """From memory: the log is not read again for it."""
    told = []
    runner = Runner(folder.data, clock=HeldClock(), progress=told.append)
    runner.start()
    runner.catch_up()
    runner.save()
    read = sum(told)
    folder.stats.unlink()
    assert runner.save()
    folder.stats.write_text("damaged")
    assert runner.save()

    assert folder.stats.read_bytes() == folder.replayed()
    assert sum(told) == read
    assert len(folder.kept()) == 1


@pytest.mark.parametrize("loss", ["cut", "stream gone", "restored"])
def test_where_the_log_does_not_hold_it_the_stream_is_folded_again(folder, loss):
    append(segment(folder.data, "b"), opened(0, "x", "b"), succeeded(1, "b"))
    folder.save()
    before = folder.stats.read_bytes()
    if loss == "cut":
        segment(folder.data).write_bytes(b"".join(LINES[:2]))
    elif loss == "stream gone":
        segment(folder.data).unlink()
        segment(folder.data).parent.rmdir()
    else:
        segment(folder.data).write_bytes(opened(0, "f0") + b"".join(LINES[1:]))
    folder.save()

    assert folder.stats.read_bytes() == folder.replayed() != before
    (kept,) = folder.kept()
    assert kept.startswith("stats.json.replaced-")
    assert (folder.data / kept).read_bytes() == before
    assert "'a' up to seq 3" in folder.notices[0]
    assert kept in folder.notices[1]
    folder.save()
    assert len(folder.notices) == 2


def test_a_log_that_becomes_shorter_meanwhile_leaves_a_copy_too(folder):
    runner = folder.save()
    before = folder.stats.read_bytes()
    segment(folder.data).write_bytes(b"".join(LINES[:2]))
    runner.catch_up()
    runner.save()

    assert folder.stats.read_bytes() == folder.replayed()
    assert [(folder.data / name).read_bytes() for name in folder.kept()] == [before]


def test_where_nothing_is_left_to_replace_nothing_is_kept(folder):
    runner = folder.save()
    segment(folder.data).write_bytes(b"".join(LINES[:2]))
    folder.stats.unlink()
    runner.catch_up()
    runner.save()
    assert folder.kept() == []


def test_a_snapshot_without_places_is_folded_again(folder):
    """Made by a replay of files, and put in the place of stats.json."""
    loose = folder.data / "x"
    loose.write_bytes(b"".join(LINES))
    folder.stats.write_bytes(replay([str(loose)], stdin=io.BytesIO()).snapshot.to_bytes())
    folder.save()

    assert folder.stats.read_bytes() == folder.replayed()
    assert len(folder.kept()) == 1


def test_a_stream_name_that_leads_elsewhere_is_not_followed(folder):
    """A stats.json may have been written by anybody."""
    outside = append(segment(folder.data / "outside", "a"), *LINES)
    forged = json.loads(folder.save().snapshot.to_bytes())
    forged["streams"]["../outside/events/a"] = forged["streams"].pop("a")
    folder.stats.write_bytes(json.dumps(forged).encode())
    assert parse_snapshot(folder.stats.read_bytes(), "").streams
    assert (folder.data / "events" / "../outside/events/a" / outside.name).exists()
    looked_at = []

    class Watching(DiskFileSystem):
        def list_folder(self, path):
            looked_at.append(str(path))
            return super().list_folder(path)

    folder.runner(Watching())
    folder.save()

    assert [path for path in looked_at if "outside" in path] == []
    assert folder.stats.read_bytes() == folder.replayed()
