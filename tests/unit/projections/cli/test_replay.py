"""replay: of files, pipes, and a data folder."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.command import assert_complaint
from tests.support.data_folders import event, lines_of

ISSUE = (
    event(0, confidence="low"),
    "not json",
    event(1, "job.failed", duration_ns=200_000_000, error_type="PlexNotFound", to_dlq=True),
)


def counters(stats):
    return {
        name: stats[name]
        for name in stats
        if name not in {"streams", "invalid_lines", "duplicates", "queue", "dead_letters"}
    }


def test_replay_of_a_pipe(syncstats):
    ran = syncstats("replay", "-", "--json", stdin=lines_of(*ISSUE))
    assert ran.status == 0
    found = ran.json
    assert (found["jobs_processed"], found["jobs_succeeded"], found["jobs_failed"]) == (2, 1, 1)
    assert (found["jobs_to_dlq"], found["low_confidence_matches"]) == (1, 1)
    assert found["total_processing_time"] == 0.3
    assert found["errors_by_type"] == {"PlexNotFound": 1}
    assert found["invalid_lines"] == 1
    assert "standard input, line 2, byte " in ran.err


def test_replay_in_any_order_and_twice(syncstats):
    first = counters(syncstats("replay", "-", "--json", stdin=lines_of(*ISSUE)).json)
    again = syncstats("replay", "-", "--json", stdin=lines_of(*reversed(ISSUE), *ISSUE)).json
    assert counters(again) == first
    assert again["duplicates"] == 2


def test_replay_strict(syncstats):
    ran = syncstats("replay", "-", "--json", "--strict", stdin=lines_of(*ISSUE))
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("syncstats: invalid line: standard input, line 2")
    assert ran.err.count("\n") == 1


def test_replay_without_a_path_is_of_the_data_folder(syncstats, data):
    assert syncstats("replay", "--json").json == syncstats("replay", data, "--json").json
    assert syncstats("replay").out.startswith("Attempts     5 = 3 succeeded")
    assert not (data / "stats.json").exists()


def test_replay_out_can_be_merged(syncstats, tmp_path, data):
    ran = syncstats("replay", "--out", "part.json")
    assert ran.out.endswith("Written to part.json.\n")
    assert syncstats("merge", "part.json", "--json").json == json.loads(
        (tmp_path / "part.json").read_text()
    )
    assert not (data / "stats.json").exists()


@pytest.mark.parametrize(
    ("args", "out"),
    [
        (["replay", "x.jsonl", "--out"], "x.jsonl"),
        (["replay", "*.jsonl", "--out"], "./x.jsonl"),
        (["export", "x.jsonl", "--format", "ecs", "--out"], "x.jsonl"),
        (["ingest", "x.jsonl", "--new-state", "--state"], "x.jsonl"),
        (["replay", "--out"], "data/events/s1/stats.json"),
    ],
)
def test_no_result_takes_the_place_of_the_log_that_it_is_of(args, out, syncstats, tmp_path, data):
    (stream,) = (data / "events").iterdir()
    (tmp_path / "x.jsonl").write_text(lines_of(*ISSUE))
    ran = syncstats(*args, out.replace("s1", stream.name))
    assert (ran.status, ran.out) == (2, "")
    assert "is among the logs that are read: name another file" in ran.err
    assert (tmp_path / "x.jsonl").read_text() == lines_of(*ISSUE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "x.jsonl"]


def test_an_unfinished_line_is_reported_and_not_counted(syncstats, tmp_path):
    (tmp_path / "x.jsonl").write_text(lines_of(ISSUE[0], ISSUE[2]).rstrip("\n"))
    ran = syncstats("replay", "x.jsonl", "--json")
    assert ran.json["jobs_processed"] == 1
    assert "incomplete" in ran.err


def test_a_flood_of_problems_is_cut(syncstats):
    ran = syncstats("replay", "-", stdin="x\n" * 50)
    assert len(ran.err.splitlines()) == 22
    assert ran.err.splitlines()[-2] == "syncstats: and 30 more like these"
    assert "with 50 invalid lines" in ran.out


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["none.jsonl"], "none.jsonl does not exist"),
        (["*.none"], "*.none matches nothing"),
        (["s3://bucket/x.jsonl"], "syncstats: s3://bucket/x.jsonl is a URL: add --engine dask\n"),
        (["https://host/*.jsonl"], "https://host/*.jsonl is a URL: add --engine dask\n"),
        (["-", "--format", "florp"], "florp"),
    ],
)
def test_what_cannot_be_replayed(args, part, syncstats):
    ran = syncstats("replay", *args)
    assert (ran.status, ran.out) == (2, "")
    assert part in ran.err


def test_where_dask_is_missing_the_call_for_a_checkout_comes_first(syncstats, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    ran = syncstats("replay", ".", "--engine", "dask")
    assert (ran.status, ran.out) == (2, "")
    assert "needs Dask: in a checkout `pipx install --force '.[dask]'`" in ran.err


def test_replay_of_logs_of_which_one_shows_no_format(syncstats, tmp_path):
    (tmp_path / "good").write_text(lines_of(event(1)))
    (tmp_path / "bad").write_text("noise\n")
    ran = syncstats("replay", "--format", "auto", "bad", "good", "--json")
    assert ran.status == 1
    assert ran.json["jobs_processed"] == 1
    known, unknown = ran.err.splitlines()
    assert known == "syncstats: good: native lines"
    assert unknown.startswith("syncstats: the lines of bad are in no format that is known: say ")
    ran = syncstats("replay", "--format", "auto", "bad", "bad", "--json")
    assert_complaint(ran, "the lines of bad are in no format that is known")


def test_closed_standard_input(monkeypatch, capsys):
    from projections.cli.main import main

    monkeypatch.setattr("sys.stdin", None)
    assert main(["replay", "-"]) == 2
    assert "standard input is closed" in capsys.readouterr().err
