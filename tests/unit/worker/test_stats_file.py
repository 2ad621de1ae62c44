from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
import pickle
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import capture_logs

import worker.stats
from events.errors import EventsError
from events.filesystem import REAL, RealFileSystem
from worker.errors import StatsError
from worker.stats import SyncStats
from worker.stats_file import load, save

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = {
    "jobs_processed": 3,
    "jobs_succeeded": 2,
    "jobs_failed": 1,
    "jobs_to_dlq": 1,
    "total_processing_time": 1.5,
    "session_start": 1700000000.123456,
    "errors_by_type": {"PlexNotFound": 1},
    "high_confidence_matches": 1,
    "low_confidence_matches": 1,
}
DAMAGED = [
    (b"{", ""),
    (b"no json", ""),
    (b"\xff\xfe{}", ""),
    (b'{"errors_by_type": {"\xe9": 1}}', ""),
    (b"[]", ""),
    (b"null", ""),
    (b"true", ""),
    (b"5", ""),
    (b'"text"', ""),
    (b"[" * 100_000, ""),
    (b'{"jobs_processed": 1, "jobs_processed": 2}', ""),
    (b'{"jobs_processed": null}', "jobs_processed"),
    (b'{"errors_by_type": null}', "errors_by_type"),
    (b'{"total_processing_time": null}', "total_processing_time"),
    (b'{"total_processing_time": NaN}', "total_processing_time"),
    (b'{"total_processing_time": -1}', "total_processing_time"),
    (b'{"session_start": NaN}', "session_start"),
    (b'{"session_start": Infinity}', "session_start"),
    (b'{"session_start": 1e999}', "session_start"),
    (b'{"jobs_processed": true}', "jobs_processed"),
    (b'{"jobs_processed": 5.5}', "jobs_processed"),
    (b'{"jobs_processed": "5"}', "jobs_processed"),
    (b'{"jobs_processed": -5}', "jobs_processed"),
    (b'{"jobs_processed": 9223372036854775808}', "jobs_processed"),
    (b'{"jobs_processed": 1, "jobs_succeeded": 1, "jobs_failed": 1}', "jobs_processed"),
    (b'{"jobs_processed": 2, "jobs_failed": 1, "jobs_to_dlq": 2}', "jobs_to_dlq"),
    (b'{"errors_by_type": {"A": true}}', "errors_by_type"),
    (b'{"latency": {"scale": 5}}', "latency"),
    (b'{"file_id": 5}', "file_id"),
    (b'{"file_id": null}', "file_id"),
    (b'{"file_id": ""}', "file_id"),
    (b'{"jobs_processed": ' + b"1" * 5000 + b"}", ""),
]


class StoppedClock:
    def now_us(self) -> int:
        return 1_764_000_000_123_456

    def monotonic_ns(self) -> int:
        return 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "stats.json"


def one_job(error_type: str = "") -> SyncStats:
    stats = SyncStats(session_start=1000.5)
    if error_type:
        stats.record_failure(error_type, 0.1)
    else:
        stats.record_success(0.1)
    return stats


def processed(path: Path) -> int:
    return json.loads(path.read_text())["jobs_processed"]


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


@pytest.fixture
def logs() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as entries:
        yield entries


class TestSave:
    def test_makes_the_file_and_its_folders(self, tmp_path):
        path = tmp_path / "a" / "b" / "stats.json"

        one_job().save_to_file(path)

        assert SyncStats.load_from_file(str(path)) == one_job()
        assert names(path) == [".stats.json.lock", "stats.json"]

    def test_writes_what_to_dict_says_and_an_id(self, path):
        save(one_job("B"), path, file_id=lambda: "an id")

        document = json.loads(path.read_text())

        assert list(document) == [*one_job().to_dict(), "file_id"]
        assert document == {**one_job("B").to_dict(), "file_id": "an id"}
        assert path.read_bytes().startswith(b'{\n  "jobs_processed": 1,\n')

    def test_the_same_stats_are_the_same_bytes(self, tmp_path):
        for name, order in (("a", "ABC"), ("b", "CBA")):
            stats = SyncStats(session_start=1)
            for error_type in order:
                stats.record_failure(error_type, 1)
            save(stats, tmp_path / name, file_id=lambda: "id")

        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_merges_into_what_is_there(self, path):
        one_job().save_to_file(path)
        one_job("A").save_to_file(path)

        assert SyncStats.load_from_file(path) == one_job() + one_job("A")

    def test_the_same_object_again_changes_nothing(self, path):
        stats = one_job()
        stats.save_to_file(path)
        before = path.stat()

        stats.save_to_file(path)

        after = path.stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_only_what_is_new_is_added(self, path):
        one_job().save_to_file(path)
        stats = SyncStats.load_from_file(path)

        for expected in (2, 3):
            stats.record_failure("A", 0.1)
            stats.save_to_file(path)
            assert processed(path) == stats.jobs_processed == expected

        assert SyncStats.load_from_file(path) == stats

    def test_counts_of_the_object_stay(self, path):
        one_job().save_to_file(path)
        stats = one_job("A")

        stats.save_to_file(path)

        assert stats == one_job("A")

    def test_the_earliest_start_is_kept_unrounded(self, path):
        for start in (1700000000.1234567, 1700000000.123456, 1700000009.0):
            SyncStats(session_start=start).save_to_file(path)

        assert SyncStats.load_from_file(path).session_start == 1700000000.123456

    def test_a_file_without_a_start_takes_that_of_the_object(self, path):
        path.write_text('{"jobs_skipped": 1}')

        SyncStats(session_start=2.0**40).save_to_file(path)

        assert SyncStats.load_from_file(path) == SyncStats(session_start=2.0**40, jobs_skipped=1)

    def test_only_failures_are_something_too(self, path):
        one_job("A").save_to_file(path)

        assert SyncStats.load_from_file(path).errors_by_type == {"A": 1}

    def test_to_two_files(self, tmp_path):
        stats = one_job()
        stats.save_to_file(tmp_path / "a")
        stats.record_success(1)
        stats.save_to_file(tmp_path / "b")
        stats.save_to_file(tmp_path / "a")

        assert SyncStats.load_from_file(tmp_path / "a") == stats
        assert SyncStats.load_from_file(tmp_path / "b") == stats

    def test_a_file_that_is_gone_gets_everything(self, path):
        stats = one_job()
        stats.save_to_file(path)
        path.unlink()

        stats.save_to_file(path)

        assert SyncStats.load_from_file(path) == stats

    def test_a_file_that_was_made_anew_gets_everything(self, path):
        stats = one_job()
        stats.save_to_file(path)
        path.unlink()
        one_job("A").save_to_file(path)

        stats.save_to_file(path)

        assert SyncStats.load_from_file(path) == stats + one_job("A")

    def test_a_file_that_was_moved_is_known_again(self, path, tmp_path):
        stats = one_job()
        stats.save_to_file(path)
        path.rename(tmp_path / "moved.json")

        stats.save_to_file(tmp_path / "moved.json")

        assert processed(tmp_path / "moved.json") == 1

    def test_through_a_link(self, path, tmp_path):
        link = tmp_path / "link"
        link.symlink_to(path)
        stats = one_job()

        stats.save_to_file(link)
        stats.save_to_file(path)

        assert link.is_symlink()
        assert processed(path) == 1

    def test_a_new_file_follows_the_umask_and_an_old_one_keeps_its_mode(self, path):
        before = os.umask(0o027)
        try:
            one_job().save_to_file(path.with_name("folder") / "new.json")
            new = stat.S_IMODE(path.with_name("folder").joinpath("new.json").stat().st_mode)
            folder = stat.S_IMODE(path.with_name("folder").stat().st_mode)
        finally:
            os.umask(before)
        path.write_text("{}")
        path.chmod(0o604)
        one_job().save_to_file(path)

        assert (new, folder, stat.S_IMODE(path.stat().st_mode)) == (0o640, 0o750, 0o604)

    def test_a_folder_is_refused(self, path):
        path.mkdir()

        with pytest.raises(EventsError, match="folder"):
            one_job().save_to_file(path)

        assert names(path) == ["stats.json"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("jobs_processed", -1),
            ("jobs_succeeded", 5),
            ("session_start", math.nan),
            ("errors_by_type", {"A": 0.5}),
            ("jobs_skipped", 2**63),
            ("total_processing_time_ns", True),
        ],
    )
    def test_what_no_reader_would_believe_is_not_written(self, path, name, value):
        stats = one_job()
        setattr(stats, name, value)

        with pytest.raises(StatsError, match=r"stats\.json"):
            stats.save_to_file(path)

        assert names(path) == []

    def test_counts_lowered_by_hand_take_nothing_from_the_file(self, path):
        stats = one_job("A") + one_job()
        stats.save_to_file(path)
        stats.jobs_processed = stats.jobs_failed = stats.jobs_succeeded = 0
        stats.total_processing_time = 0

        stats.save_to_file(path)

        assert processed(path) == 2


class TestPlainFiles:
    def test_get_no_id(self, path):
        path.write_text(json.dumps(PLAIN))

        one_job().save_to_file(path)

        assert "file_id" not in json.loads(path.read_text())
        assert processed(path) == 4

    def test_are_known_by_their_path(self, path, monkeypatch):
        path.write_text(json.dumps(PLAIN))
        stats = SyncStats.load_from_file(path)
        stats.record_success(1)

        stats.save_to_file(path)
        monkeypatch.chdir(path.parent)
        stats.save_to_file("stats.json")

        assert processed(path) == 4

    def test_are_left_as_they_are_without_anything_new(self, path):
        path.write_text(json.dumps(PLAIN))

        SyncStats.load_from_file(path).save_to_file(path)

        assert path.read_text() == json.dumps(PLAIN)

    def test_that_are_gone_are_forgotten(self, path):
        path.write_text(json.dumps(PLAIN))
        stats = SyncStats.load_from_file(path)
        path.unlink()
        stats.save_to_file(path)
        path.write_text(json.dumps({"jobs_skipped": 1}))

        stats.save_to_file(path)

        assert processed(path) == 3


class TestKnowledge:
    @pytest.mark.parametrize(
        "make",
        [
            SyncStats.copy,
            copy.copy,
            copy.deepcopy,
            lambda stats: pickle.loads(pickle.dumps(stats)),
            dataclasses.replace,
            lambda stats: stats.merge(SyncStats.zero()),
            lambda stats: SyncStats.zero() + stats,
            lambda stats: SyncStats.merge_all([stats]),
        ],
    )
    def test_is_carried_along_and_its_own(self, path, make):
        original = one_job()
        original.save_to_file(path)

        twin = make(original)
        twin.record_failure("A", 1)
        twin.save_to_file(path)
        original.record_failure("B", 1)
        original.save_to_file(path)

        assert SyncStats.load_from_file(path).errors_by_type == {"A": 1, "B": 1}
        assert processed(path) == 3

    def test_of_two_that_were_loaded_adds_up(self, path):
        one_job().save_to_file(path)
        a, b = SyncStats.load_from_file(path), SyncStats.load_from_file(path)
        b.record_success(1)

        both = a + b
        both.save_to_file(path)

        assert both.jobs_processed == 3
        assert processed(path) == 2

    def test_what_was_not_saved_when_copied_is_brought_by_each_copy(self, path):
        stats = one_job()
        twin = stats.copy()

        stats.save_to_file(path)
        twin.save_to_file(path)

        assert processed(path) == 2

    def test_is_no_part_of_the_value(self, path):
        stats = one_job()
        stats.save_to_file(path)

        assert stats == one_job()
        assert stats.to_dict() == one_job().to_dict()
        assert repr(stats) == repr(one_job())

    def test_of_an_error_that_was_displaced_since(self, path, monkeypatch):
        monkeypatch.setattr("worker.error_counts.MAX_ERROR_TYPES", 1)
        stats = one_job("strange")
        stats.save_to_file(path)
        stats.record_failure("unknown", 1)

        stats.save_to_file(path)

        errors = {"unknown": 1, "(other)": 1}
        assert SyncStats.load_from_file(path).errors_by_type == stats.errors_by_type == errors


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


class Unreadable(RealFileSystem):
    def open_read(self, path):
        raise PermissionError(13, "Permission denied", str(path))


class TooManyOpenFiles(RealFileSystem):
    def open_read(self, path):
        raise OSError(24, "too many open files", str(path))


@pytest.mark.parametrize(
    "content", [{**PLAIN, "streams": {}}, {"streams": None, "jobs_failed": -1}]
)
def test_a_projection_is_not_saved_to(path, content):
    path.write_text(json.dumps(content))

    with pytest.raises(StatsError, match=r"stats\.json .*projection.* another file.*rebuild"):
        one_job().save_to_file(path)

    assert path.read_text() == json.dumps(content)
    assert names(path) == ["stats.json"]


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


class TestLoad:
    @pytest.mark.parametrize("content", [None, b"", b"\n"])
    def test_nothing_is_fresh_stats(self, path, logs, content):
        if content is not None:
            path.write_bytes(content)
        before = time.time()

        stats = SyncStats.load_from_file(path)

        assert before <= stats.session_start <= time.time()
        assert stats == SyncStats(session_start=stats.session_start)
        assert not logs

    @pytest.mark.parametrize(("content", "field"), DAMAGED)
    def test_damaged_is_fresh_stats_and_a_warning(self, path, logs, content, field):
        path.write_bytes(content)

        stats = SyncStats.load_from_file(path)

        assert stats == SyncStats(session_start=stats.session_start)
        assert [entry["log_level"] for entry in logs] == ["warning"]
        assert (logs[0]["file"], logs[0]["field"]) == (str(path), field)
        assert path.read_bytes() == content

    def test_what_cannot_be_opened_is_a_warning(self, path, logs):
        path.mkdir()

        for stats in (SyncStats.load_from_file(path), load(path / "x", fs=TooManyOpenFiles())):
            assert stats == SyncStats(session_start=stats.session_start)
        assert ["folder" in logs[0]["reason"], "too many" in logs[1]["reason"]] == [True, True]

    def test_a_plain_file(self, path, logs):
        path.write_text(json.dumps(PLAIN))

        assert SyncStats.load_from_file(path) == SyncStats(**PLAIN)
        assert not logs

    def test_a_projection(self, path):
        stats = one_job()
        path.write_text(
            json.dumps({**stats.to_dict(), "streams": {"a": {}}, "schema": 1, "gaps": 0})
        )

        assert SyncStats.load_from_file(path) == stats

    def test_missing_keys_are_defaults(self, path):
        path.write_text('{"jobs_skipped": 2}')
        before = time.time()

        stats = SyncStats.load_from_file(path)

        assert before <= stats.session_start <= time.time()
        assert stats.jobs_skipped == 2

    def test_no_start_is_none_yet(self, path):
        path.write_text('{"session_start": null}')

        assert SyncStats.load_from_file(path) == SyncStats.zero()


def test_two_threads_add_up(path):
    def work() -> None:
        for _ in range(20):
            one_job().save_to_file(path)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert processed(path) == 60


def test_the_lock_is_waited_for(path):
    stats = one_job()
    saver = threading.Thread(target=stats.save_to_file, args=(path,))
    with REAL.lock(path.with_name(".stats.json.lock")):
        saver.start()
        saver.join(0.05)
        held_up = not path.exists()
    saver.join()

    assert held_up
    assert processed(path) == 1


class TestWarnings:
    def test_go_to_stderr_when_nobody_configured_structlog(self, path):
        path.write_text("no json")
        code = f"from worker.stats import SyncStats; SyncStats.load_from_file({str(path)!r})"
        run = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(worker.stats.__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        )

        assert "stats_file_damaged" in run.stderr
        assert run.stdout == ""

    def test_go_where_the_application_says(self, path, capsys):
        path.write_text("no json")
        said = structlog.testing.CapturingLogger()
        structlog.configure(
            processors=[structlog.processors.JSONRenderer()],
            logger_factory=lambda *_: said,
        )
        try:
            SyncStats.load_from_file(path)
        finally:
            structlog.reset_defaults()

        assert json.loads(said.calls[0].args[0])["event"] == "stats_file_damaged"
        assert capsys.readouterr() == ("", "")


def test_fields_are_loaded_without_structlog(path):
    one_job().save_to_file(path)
    code = f"import sys; from worker.stats import SyncStats as S; S.load_from_file({str(path)!r})"
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}.save_to_file({str(path)!r}); print('structlog' in sys.modules)",
        ],
        cwd=Path(worker.stats.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout == "False\n"
