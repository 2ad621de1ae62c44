"""A stats file that is loaded, and what is told of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog

import worker.stats
from tests.support.stats_files import DAMAGED, PLAIN, TooManyOpenFiles, one_job
from worker.stats import SyncStats
from worker.stats_file import load


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
