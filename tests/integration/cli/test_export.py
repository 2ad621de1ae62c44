"""`syncstats export` as a process: what it writes, other commands and formats read."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from events.formats.names import PRESETS
from events.formats.presets import preset_text
from projections.cli.export import FORMATS
from tests.support.command import COMMAND, assert_complaint, clean_env, syncstats
from tests.support.data_folders import a_log, event, lines_of, write_log
from tests.support.pruned_logs import prune_to


@pytest.fixture
def data(tmp_path):
    write_log(tmp_path / "data", *a_log())
    write_log(tmp_path / "data", event(0, stream="b"), stream="b")
    return tmp_path / "data"


@pytest.mark.usefixtures("data")
def test_the_exported_lines_add_up_to_the_same_attempts_times_and_errors(tmp_path):
    ran = syncstats("export", "--format", "ecs", cwd=tmp_path)
    assert ran.status == 0
    assert ran.err == "syncstats: 1 outcome left out, which format ecs cannot tell of\n"
    native = syncstats("replay", "--json", cwd=tmp_path).json
    again = syncstats("replay", "-", "--format", "ecs", "--json", cwd=tmp_path, stdin=ran.out).json
    for name in (
        "jobs_processed",
        "jobs_succeeded",
        "jobs_failed",
        "errors_by_type",
        "total_processing_time_ns",
        "latency",
        "session_start",
    ):
        assert again[name] == native[name], name
    assert again["invalid_lines"] == 0


@pytest.mark.usefixtures("data")
def test_out_writes_a_file_and_says_so(tmp_path):
    ran = syncstats("export", "data", "--format", "structlog", "--out", "jobs.ndjson", cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "7 outcomes written to jobs.ndjson, as structlog.\n"
    lines = (tmp_path / "jobs.ndjson").read_text().splitlines()
    assert len(list(map(json.loads, lines))) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "jobs.ndjson"]


def test_invalid_lines_are_told_on_stderr_and_passed_over(tmp_path):
    ran = syncstats(
        "export", "-", "--format", "ecs", cwd=tmp_path, stdin=lines_of("no json", event(1))
    )
    assert ran.status == 0
    assert ran.err.startswith("syncstats: standard input, line 1, byte 0: not JSON")
    assert ran.out.count("\n") == 1


def test_a_mapping_of_ones_own(tmp_path, data):
    (tmp_path / "own.toml").write_text(
        'name = "own"\n[[outcomes]]\nis = "failed"\nwhen = { ok = false }\n'
        '[fields]\nerror_type = "why"\n'
    )
    ran = syncstats("export", data, "--mapping", "own.toml", cwd=tmp_path)
    assert list(map(json.loads, ran.out.splitlines())) == [
        {"ok": False, "why": "Timeout"},
        {"ok": False, "why": "PlexNotFound"},
    ]
    assert ran.err == "syncstats: 5 outcomes left out, which format own cannot tell of\n"


def test_what_was_pruned_is_told(tmp_path, data):
    write_log(data, event(7), first=7)
    prune_to(data, 7)
    ran = syncstats("export", "--format", "ecs", cwd=tmp_path)
    assert ran.out.count("\n") == 2
    assert "7 events of the streams had been pruned, and could not be exported" in ran.err


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ([], ["--format ecs", "--mapping"]),
        (["--format", "ecs", "--mapping", "own.toml"], ["by one of"]),
        (["--format", "native"], ["'native' is not one of"]),
        (["--format", "sidekiq"], ["'sidekiq' is not one of 'ecs', 'oban', 'structlog'"]),
        (["--mapping", "none.toml"], ["none.toml"]),
        (["none.jsonl", "--format", "ecs"], ["none.jsonl does not exist"]),
        (["--format", "ecs", "--out", "no/such/file"], ["no/such/file cannot be written"]),
        (["data", "--format", "ecs", "--out", "data/stats.json"], ["belongs to the data folder"]),
        (["--format", "ecs", "--data", "elsewhere"], ["elsewhere"]),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(tmp_path, args, parts):
    assert_complaint(syncstats("export", *args, cwd=tmp_path), *parts)


@pytest.mark.usefixtures("data")
def test_all_formats_that_are_offered_can_be_written_and_those_that_are_not_cannot(tmp_path):
    for name in FORMATS:
        ran = syncstats("export", "--format", name, "--out", f"{name}.jsonl", cwd=tmp_path)
        assert ran.status == 0, ran.err
    for name in set(PRESETS) - set(FORMATS):
        (tmp_path / "own.toml").write_text(preset_text(name))
        ran = syncstats("export", "--mapping", "own.toml", cwd=tmp_path)
        assert_complaint(ran, f"lines of format '{name}' cannot be written", "companions")


def test_a_damaged_file_leaves_what_stands_at_out_as_it_was(tmp_path):
    (tmp_path / "out").write_text("before\n")
    (tmp_path / "a.jsonl.xz").write_bytes(b"no such format")
    ran = syncstats("export", "a.jsonl.xz", "--format", "ecs", "--out", "out", cwd=tmp_path)
    assert_complaint(ran, "a.jsonl.xz cannot be decompressed")
    assert (tmp_path / "out").read_text() == "before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl.xz", "out"]


@pytest.mark.usefixtures("data")
@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_a_device_is_written_to_and_not_replaced(tmp_path):
    ran = syncstats("export", "--format", "ecs", "--out", "/dev/stdout", cwd=tmp_path)
    assert ran.status == 0
    assert len([line for line in ran.out.splitlines() if line.startswith("{")]) == 6


@pytest.mark.usefixtures("data")
def test_a_full_disk_is_told(tmp_path):
    ran = subprocess.run(
        ["sh", "-c", '"$@" > /dev/full', "sh", *COMMAND, "export", "--format", "ecs"],
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr
