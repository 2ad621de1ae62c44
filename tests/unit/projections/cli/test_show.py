"""show: over a log that was not written by a run."""

from __future__ import annotations

import json

import pytest

from tests.support.data_folders import event, write_log


@pytest.mark.usefixtures("data")
def test_show_adds_up(syncstats):
    syncstats("rebuild")
    ran = syncstats("show")
    assert ran.status == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    for line in (
        "Attempts     5 = 3 succeeded + 2 failed (60.0% succeeded)",
        "             failed = 1 to be retried + 1 ended dead",
        "             beside them 1 skipped: there was nothing to do",
        "Jobs         4 ended = 3 succeeded + 1 dead (75.0% completed)",
        "             1 of them succeeded at a later attempt",
        "Matches      2 of high confidence, 1 of low",
        "Warnings     in 1 attempt",
        "Log          1 stream, newest outcome 2026-01-01 00:00:06Z",
        "Queue now    1 due, 1 scheduled (next at 2096-10-02 07:06:40Z), 0 leased",
        "Dead letters 2 (`syncstats dlq list`)",
    ):
        assert line in ran.out.splitlines()
    assert "Time         avg 540ms, p50 100ms" in ran.out
    assert "Waited       p50 1.0ms" in ran.out
    assert [line.split() for line in ran.out.splitlines() if "PlexNotFound" in line] == [
        ["PlexNotFound", "1"]
    ]


def test_show_json_has_the_layout_of_the_file_and_the_queue(syncstats, data):
    syncstats("rebuild")
    shown = syncstats("show", "--json").json
    assert shown.pop("queue") == {
        "due": 1,
        "scheduled": 1,
        "next_due_at": "2096-10-02T07:06:40.000000Z",
        "leased": 0,
        "paused": False,
    }
    assert shown.pop("dead_letters") == {"LookupError": 1, "ValueError": 1}
    assert shown == json.loads((data / "stats.json").read_text())


def test_show_of_a_pause(syncstats, data):
    syncstats("pause", "--data", data)
    assert "paused: no worker takes a job" in syncstats("show").out


def test_show_where_nothing_is_yet(syncstats, tmp_path):
    (tmp_path / "data").mkdir()
    out = syncstats("show").out
    assert "No stats in data yet" in out
    assert "0 due, 0 scheduled, 0 leased" in out
    assert "Dead letters none" in out
    shown = syncstats("show", "--json").json
    assert shown["jobs_processed"] == 0
    assert shown["session_start"] is None
    assert shown["queue"]["next_due_at"] is None
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("content", ["[]", "{", '{"jobs_processed": 1}', "\xff"])
def test_show_of_a_file_that_is_no_snapshot(content, syncstats, data):
    (data / "stats.json").write_bytes(content.encode("latin-1"))
    ran = syncstats("show")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("syncstats: data/stats.json")
    assert ran.err.count("\n") == 1


def test_many_error_types_are_cut_for_people(syncstats, tmp_path):
    failed = [event(n, "job.failed", error_type=f"E{n:02d}") for n in range(25)]
    write_log(tmp_path / "data", *failed)
    out = syncstats("replay").out
    assert "E19" in out
    assert "E20" not in out
    assert out.endswith("and 5 attempts with 5 other errors (--json has all that are kept)\n")
