"""Saving that meets damage, what is no stats file, or a disk that fails."""

from __future__ import annotations

import json

import pytest

from events.filesystem import RealFileSystem
from tests.support.stats_files import (
    DAMAGED,
    PLAIN,
    StoppedClock,
    TooManyOpenFiles,
    names,
    one_job,
    processed,
)
from worker.errors import StatsError
from worker.stats import SyncStats
from worker.stats_file import save


class Unreadable(RealFileSystem):
    def open_read(self, path):
        raise PermissionError(13, "Permission denied", str(path))


class TestDamagedOnSave:
    @pytest.mark.parametrize(("content", "field"), DAMAGED)
    def test_is_kept_beside_and_the_file_begun_anew(self, path, logs, content, field):
        path.write_bytes(content)
        stats = one_job()

        save(stats, path, clock=StoppedClock())
        save(stats, path, clock=StoppedClock())

        kept = path.with_name("stats.json.corrupt-2025-11-24T160000.123456Z")
        assert kept.read_bytes() == content
        assert SyncStats.load_from_file(path) == stats
        assert [(entry["file"], entry["field"]) for entry in logs] == [(str(path), field)]
        assert logs[0]["kept_as"] == str(kept)

    def test_what_is_larger_than_any_stats_is_not_read(self, path, logs, monkeypatch):
        monkeypatch.setattr("worker.stats_file.MAX_BYTES", 1 << 20)
        path.write_bytes(b" " * (1 << 20) + b"{}")

        assert SyncStats.load_from_file(path).jobs_processed == 0
        save(one_job(), path)

        assert processed(path) == 1
        assert [entry["reason"] for entry in logs] == ["it is larger than 1 MiB"] * 2

    def test_a_second_one_does_not_displace_the_first(self, path, logs):
        for content in (b"one", b"two", b"three"):
            path.write_bytes(content)
            save(one_job(), path, clock=StoppedClock())

        kept = sorted(path.parent.glob("*corrupt*"))
        assert [file.read_bytes() for file in kept] == [b"one", b"two", b"three"]
        assert len(logs) == 3

    def test_unreadable_is_damaged(self, path, logs):
        path.write_text(json.dumps(PLAIN))

        save(one_job(), path, fs=Unreadable())

        assert processed(path) == 1
        assert len(list(path.parent.glob("*corrupt*"))) == 1
        assert logs[0]["log_level"] == "warning"

    def test_another_trouble_with_reading_is_none_of_the_file(self, path):
        path.write_text(json.dumps(PLAIN))

        with pytest.raises(OSError, match="too many"):
            save(one_job(), path, fs=TooManyOpenFiles())

        assert processed(path) == 3

    @pytest.mark.parametrize("content", [b"", b" \n"])
    def test_empty_holds_nothing_and_is_not_kept(self, path, logs, content):
        path.write_bytes(content)

        one_job().save_to_file(path)

        assert SyncStats.load_from_file(path) == one_job()
        assert names(path) == [".stats.json.lock", "stats.json"]
        assert not logs


class TestFailedSave:
    def test_leaves_everything_as_it_was(self, path):
        one_job().save_to_file(path)
        before = path.read_bytes()
        stats = one_job("A")

        with pytest.raises(OSError, match="full"):
            save(stats, path, fs=Full())
        assert path.read_bytes() == before
        stats.save_to_file(path)

        assert processed(path) == 2

    def test_past_the_rename_is_not_repeated(self, path):
        stats = one_job()

        with pytest.raises(OSError, match="folder"):
            save(stats, path, fs=FailsAfterwards())
        stats.save_to_file(path)

        assert processed(path) == 1

    def test_with_nothing_to_read_afterwards_keeps_its_own_error(self, path):
        with pytest.raises(OSError, match="full"):
            save(one_job(), path, fs=Full())

        assert names(path) == [".stats.json.lock"]


class Full(RealFileSystem):
    def replace_file(self, *_):
        raise OSError(28, "the disk is full")


class FailsAfterwards(RealFileSystem):
    def replace_file(self, path, data, mode=None):
        super().replace_file(path, data, mode)
        raise OSError(5, "syncing the folder failed")


@pytest.mark.parametrize(
    "content", [{**PLAIN, "streams": {}}, {"streams": None, "jobs_failed": -1}]
)
def test_a_projection_is_not_saved_to(path, content):
    path.write_text(json.dumps(content))

    with pytest.raises(StatsError, match=r"stats\.json .*projection.* another file.*rebuild"):
        one_job().save_to_file(path)

    assert path.read_text() == json.dumps(content)
    assert names(path) == ["stats.json"]
