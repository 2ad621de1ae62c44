"""Stats that are saved: into what is there, and by many at once."""

from __future__ import annotations

import json
import math
import os
import stat
import threading

import pytest

from events.errors import EventsError
from events.filesystem import REAL
from tests.support.stats_files import names, one_job, processed
from worker.errors import StatsError
from worker.stats import SyncStats
from worker.stats_file import save


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


def test_threads_add_up(path):
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
