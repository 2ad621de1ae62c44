from __future__ import annotations

import gzip

import pytest

from projections.cli.event_view import view
from tests.support.command import assert_complaint
from tests.support.data_folders import a_log, event, lines_of, opened, write_log
from tests.support.oban_lines import OBAN
from tests.support.project import ROOT


def shown(fields):
    return view(lines_of(fields).encode().rstrip())


# One event ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (event(1), "00:00:01 done     job 1 scene 1  100ms"),
        (
            event(1, confidence="x", warnings=2),
            "00:00:01 done     job 1 scene 1  100ms  low confidence  2 warned",
        ),
        (event(1, "job.skipped"), "00:00:01 skipped  job 1 scene 1"),
        (
            event(
                *(1, "job.failed"),
                error_type="Timeout",
                error="slow",
                attempt=2,
                retry_at="2026-01-01T01:00:09+01:00",
            ),
            "00:00:01 failed   job 1 scene 1 attempt 2  100ms  Timeout (again at 00:00:09): slow",
        ),
        (
            event(1, "job.failed", error_type="Bad", to_dlq=True),
            "00:00:01 dead     job 1 scene 1  100ms  Bad",
        ),
        (opened(), "00:00:00 -        stream.opened epoch=e1 host=h pid=1 version=0"),
        (
            {"event": "x", "deep": {"a": 1}, "l": [1], "s": "y" * 99},
            f"--:--:-- -        x deep={{…}} l=[…] s={'y' * 60}…",
        ),
        ({}, "--:--:-- -        (no event)"),
        ({"event": "job.succeeded", "timestamp": "2026-01-01T00:00:00Z"}, "00:00:00 done     0ms"),
    ],
)
def test_events_are_told(fields, line):
    assert shown(fields).line() == line


def test_an_invalid_line_is_told():
    told = view(b"rubbish")
    assert told.mark == "invalid"
    assert told.text
    assert view(lines_of(event(1, v=2)).encode()).stream == "a"


# What there is ------------------------------------------------------------------------------------


def test_the_newest_of_all_streams_by_time(syncstats, tmp_path):
    write_log(tmp_path / "data", *a_log())
    write_log(
        tmp_path / "data", event(2, stream="b", timestamp="2026-01-01T00:00:02.5Z"), stream="b"
    )
    ran = syncstats("tail", "--lines", 6)
    assert ran.status == 0
    first, *lines = ran.out.splitlines()
    assert first == "--- 2026-01-01 UTC"
    assert [line.split()[0] for line in lines] == [f"00:00:0{n}" for n in (2, 2, 3, 4, 5, 6)]
    assert syncstats("tail", "-n", 0).out == ""


def test_a_day_s_end_is_told(syncstats, tmp_path):
    later = event(2, timestamp="2026-01-02T00:00:00Z")
    write_log(tmp_path / "data", event(1), later)
    lines = syncstats("tail").out.splitlines()
    assert [line for line in lines if line.startswith("---")] == [
        "--- 2026-01-01 UTC",
        "--- 2026-01-02 UTC",
    ]


def test_over_the_end_of_a_segment(syncstats, tmp_path):
    write_log(tmp_path / "data", opened(), event(1))
    write_log(tmp_path / "data", event(2), event(3), first=2)
    write_log(tmp_path / "data", event(4), first=4)
    assert len(syncstats("tail").out.splitlines()) == 1 + 3  # the last two segments are enough


def test_long_lines_are_cut_at_80_columns_unless_full(syncstats, tmp_path):
    write_log(tmp_path / "data", event(1, "job.failed", error="word " * 40))
    line = syncstats("tail").out.splitlines()[1]
    assert len(line) == 80
    assert line.endswith("…")
    assert syncstats("tail", "--full").out.splitlines()[1].count("word") == 40


def test_what_a_terminal_obeys_is_escaped(syncstats, tmp_path):
    write_log(tmp_path / "data", event(1, "job.failed", error="\x1b[2J\x9b1m\u202e"))
    out = syncstats("tail").out
    assert "\\x1b[2J\\x9b1m\\u202e" in out
    assert out.isascii()


def test_files_and_pipes(syncstats, tmp_path):
    (tmp_path / "x.jsonl").write_text(lines_of(event(1), "", event(2)))
    with gzip.open(tmp_path / "y.jsonl.gz", "wt") as file:
        file.write(lines_of(event(3, stream="y")))
    assert len(syncstats("tail", "x.jsonl", "y.jsonl.gz").out.splitlines()) == 1 + 3
    assert len(syncstats("tail", "-", stdin=lines_of(event(1))).out.splitlines()) == 1 + 1
    assert len(syncstats("tail", "-", "-f", stdin=lines_of(event(1))).out.splitlines()) == 1 + 1


# What is picked -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "seconds"),
    [
        (["--only", "failed"], [3, 4]),
        (["--only", "dead", "--only", "skipped"], [4, 5]),
        (["--only", "succeeded", "-n", 2], [2, 6]),
        (["--grep", "low confidence"], [2]),
        (["--grep", '"job_id": [12],'], [1, 2]),
        (["--grep", "^00", "--only", "dead", "-n", 1], [4]),
        (["--grep", "nothing of the kind"], []),
    ],
)
def test_lines_are_picked_by_end_and_pattern(syncstats, tmp_path, args, seconds):
    write_log(tmp_path / "data", *a_log())
    ran = syncstats("tail", *args)
    assert (ran.status, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == [
        f"00:00:0{second}" for second in seconds
    ]


def test_the_newest_of_a_kind_are_found_in_old_segments(syncstats, tmp_path):
    for first in range(4):
        failed = event(first, "job.failed" if first == 0 else "job.succeeded")
        write_log(tmp_path / "data", failed, first=first)
    assert "job 0 " in syncstats("tail", "--only", "failed").out


@pytest.mark.parametrize("pattern", ["(a+)+$", "a(", "a{99999999999999}"])
def test_a_bad_pattern_is_told_in_a_line(syncstats, tmp_path, pattern):
    write_log(tmp_path / "data", *a_log())
    ran = syncstats("tail", "--grep", pattern)
    assert_complaint(ran, "--grep")


# Raw lines ----------------------------------------------------------------------------------------


def test_json_gives_the_lines_as_they_are(syncstats, tmp_path):
    lines = [
        '{"timestamp": "2026-01-01T00:00:00Z", "event": "x",  "n": "\u65e5\u672c \\u001b"}',
        "rubbish",
        lines_of(event(1, "job.failed", error="x" * 999)).rstrip(),
    ]
    write_log(tmp_path / "data", *lines)
    assert syncstats("tail", "--json").out.splitlines() == lines
    assert syncstats("tail", "--json", "--only", "failed").out.splitlines() == lines[2:]
    assert syncstats("tail", "--json", "-n", 1, "--grep", "rub").out.splitlines() == ["rubbish"]


# Other formats ------------------------------------------------------------------------------------


def test_another_format(syncstats, tmp_path):
    failed = OBAN | {"event": "job:exception", "state": "discard", "error": "** (Shop.Bad) no"}
    (tmp_path / "log").write_text(lines_of(OBAN, {"source": "oban"}, failed, "rubbish"))
    ran = syncstats("tail", "--format", "oban", "log")
    assert ran.status == 0
    _, done, dead, invalid = ran.out.splitlines()
    assert done.startswith("00:00:01 done     job 7 Shop.Sync")
    assert dead.startswith("00:00:01 dead     job 7 Shop.Sync")
    assert "Bad" in dead
    assert " invalid " in invalid

    ran = syncstats("tail", "--format", "oban", "log", "--json", "--only", "succeeded")
    told = ran.json
    assert (told["event"], told["job"], told["kind"]) == ("job.succeeded", "7", "Shop.Sync")
    assert told["timestamp"] == "2026-01-01T00:00:01.000000Z"
    assert syncstats("tail", "--format", "oban", "log", "--json").out.count("\n") == 2


def test_lines_of_another_format_are_told_where_it_was_not_named(syncstats, tmp_path):
    (tmp_path / "log").write_text(lines_of(OBAN, OBAN).replace('"event"', '"EVENT"'))
    assert syncstats("tail", "log").err == (
        "syncstats: no outcome in log: if another program wrote it, describe its lines with "
        "--mapping FILE (`syncstats mapping --help`)\n"
    )
    (tmp_path / "log").write_bytes((ROOT / "tests/data/sidekiq-6.4.1-sample.jsonl").read_bytes())
    hint = "syncstats: no outcome in log: its lines look like sidekiq lines; say --format sidekiq\n"
    assert syncstats("tail", "log").err == hint
    assert syncstats("tail", "log", "--format", "oban").err.endswith(hint)
    assert syncstats("tail", "log", "-n", 0).err == ""
    assert syncstats("tail", "log", "--only", "dead").err == ""
    assert syncstats("tail", "log", "--format", "sidekiq").err == ""
    (tmp_path / "log").write_text(lines_of(event(1, "worker.started")))
    assert syncstats("tail", "log").err == ""
    assert syncstats("tail", "-").err == ""


def test_an_event_log_is_not_in_another_format(syncstats, tmp_path):
    write_log(tmp_path / "data", *a_log())
    assert_complaint(syncstats("tail", "--format", "oban"), "stream of an event log")


def test_a_log_whose_format_does_not_show_is_told_and_the_others_are_shown(syncstats, tmp_path):
    (tmp_path / "log").write_text(lines_of(OBAN))
    (tmp_path / "notes").write_text("noise\n")
    (tmp_path / "empty").write_text("\n")
    ran = syncstats("tail", "--format", "auto", "notes", "log", "empty")
    assert ran.status == 1
    assert " job 7 Shop.Sync " in ran.out
    told = "syncstats: the lines of notes are in no format that is known: say which"
    assert ran.err.splitlines()[0] == "syncstats: log: oban lines"
    assert [line.startswith(told) for line in ran.err.splitlines()] == [False, True]

    ran = syncstats("tail", "--format", "auto", "notes")
    assert_complaint(ran, "the lines of notes are in no format that is known")
    assert syncstats("tail", "--format", "auto", "empty").status == 0
