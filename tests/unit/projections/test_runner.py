from __future__ import annotations

import errno
import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from events.filesystem import RealFileSystem
from projections.errors import ProjectionError
from projections.replay import replay
from projections.runner import Runner
from projections.snapshot import Snapshot, parse_snapshot
from projections.store import SnapshotStore
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.held_clock import HeldClock
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, succeeded

if TYPE_CHECKING:
    from pathlib import Path

LINES = (opened(0, "e0"), succeeded(1), failed(2))


class DiskFileSystem(FaultyFileSystem):
    """Notes and fails replacements too."""

    def replace_file(self, path, data, mode=None):
        self.note("replace_file", path)
        RealFileSystem.replace_file(self, path, data, mode)


class Folder:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.stats = data / "stats.json"
        self.notices: list[str] = []

    def runner(self, fs=None, *, started=True) -> Runner:
        runner = Runner(self.data, fs=fs, clock=HeldClock(), notice=self.notices.append)
        if started:
            runner.start()
        return runner

    def save(self) -> Runner:
        runner = self.runner()
        runner.catch_up()
        runner.save()
        return runner

    def replayed(self) -> bytes:
        streams = self.data / "events"
        return replay([str(streams)], stdin=io.BytesIO()).snapshot.to_bytes()

    def kept(self) -> list[str]:
        return sorted(p.name for p in self.data.iterdir() if p.name.startswith("stats.json."))

    def jobs(self) -> int:
        return json.loads(self.stats.read_bytes())["jobs_processed"]


@pytest.fixture
def folder(tmp_path):
    append(segment(tmp_path), *LINES)
    return Folder(tmp_path)


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
