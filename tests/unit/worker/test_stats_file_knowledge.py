"""What an object knows of the files that it was saved to: each of its records is there once."""

from __future__ import annotations

import json

import pytest

from tests.support.stats_fields import COPIES
from tests.support.stats_files import PLAIN, one_job, processed
from worker.stats import SyncStats


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
            *COPIES,
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
