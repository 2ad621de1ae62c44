"""rebuild and verify: over a log that was not written by a run."""

from __future__ import annotations

import json

import pytest

from tests.support.data_folders import a_log, event, lines_of, opened, write_log
from tests.support.pruned_logs import prune_to


def test_rebuild_makes_the_same_bytes_again(syncstats, data):
    ran = syncstats("rebuild")
    assert ran.status == 0
    assert ran.out.startswith("data/stats.json is made anew from the log.\n\nAttempts     5 =")
    first = (data / "stats.json").read_bytes()
    (data / "stats.json").write_text("damaged")
    assert syncstats("rebuild", "--json").json == json.loads(first)
    assert (data / "stats.json").read_bytes() == first


@pytest.mark.usefixtures("data")
def test_verify_of_what_is_right(syncstats):
    syncstats("rebuild")
    ran = syncstats("verify")
    assert ran.status == 0
    assert ran.out == "stats.json is what the log says (1 stream, 5 attempts), and up to date.\n"
    assert syncstats("verify", "--json").json == {
        "ok": True,
        "differences": [],
        "gaps": [],
        "invalid_lines": 0,
        "incomplete_lines": 0,
        "duplicates": 0,
        "attempts": 5,
        "behind": 0,
        "streams": 1,
        "pruned_attempts": 0,
        "pruned_lines": 0,
        "breaks": [],
        "wrong_summaries": [],
        "changed_segments": [],
        "has_snapshot": True,
    }


def test_verify_of_what_was_written_since(syncstats, data):
    syncstats("rebuild")
    with (data / "events" / "a" / f"{0:020d}.jsonl").open("a") as segment:
        segment.write(lines_of(event(7)))
    ran = syncstats("verify")
    assert ran.status == 0
    assert "1 attempt behind" in ran.out


@pytest.mark.usefixtures("data")
def test_verify_without_stats(syncstats):
    ran = syncstats("verify")
    assert ran.status == 0
    assert ran.out.startswith("There is no stats.json in data to check (1 stream, 5 attempts)")


def test_verify_of_a_difference(syncstats, data):
    syncstats("rebuild")
    events = a_log()
    events[1]["duration_ns"] = 100_000_001  # as many bytes as before
    write_log(data, *events)
    ran = syncstats("verify")
    assert ran.status == 1
    assert ran.out.startswith("Differs: stream 'a': ")
    assert "`syncstats rebuild`" in ran.out
    assert syncstats("verify", "--json").json["ok"] is False


def test_verify_says_what_it_cannot_check(syncstats, data):
    write_log(data, event(7), event(8), first=7)
    syncstats("rebuild")
    prune_to(data, 7)
    ran = syncstats("verify")
    assert ran.status == 0
    assert ran.out == (
        "5 attempts of pruned segments are taken from summary.json, not re-checked.\n"
        "stats.json is what the log says (1 stream, 7 attempts), and up to date.\n"
    )
    found = syncstats("verify", "--json").json
    assert (found["pruned_attempts"], found["pruned_lines"], found["breaks"]) == (5, 7, [])


def test_verify_of_a_log_that_ends_before_its_pruned_part_does(syncstats, data):
    write_log(data, event(7), first=7)
    syncstats("rebuild")
    prune_to(data, 7)
    (data / "events" / "a" / f"{7:020d}.jsonl").unlink()
    ran = syncstats("verify")
    assert ran.status == 1
    assert "Broken: stream 'a': its summary.json ends at seq 7, but the log after" in ran.out
    assert "that is empty: segments are missing; bring them back" in ran.out
    assert syncstats("verify", "--json").json["ok"] is False


@pytest.mark.parametrize("command", [["verify"], ["rebuild"], ["replay"]])
def test_a_damaged_summary_is_told_in_one_line(syncstats, data, command):
    syncstats("rebuild")
    before = (data / "stats.json").read_bytes()
    (data / "events" / "a" / "summary.json").write_text("{")
    ran = syncstats(*command)
    assert (ran.status, ran.out) == (2, "")
    *_, line = ran.err.splitlines()
    assert line.startswith("syncstats: ")
    assert "data/events/a/summary.json is damaged" in line
    assert (data / "stats.json").read_bytes() == before


def test_verify_of_a_gap_and_invalid_lines(syncstats, data):
    write_log(data, opened(), event(1), "rubbish", event(1), event(4))
    syncstats("rebuild")
    ran = syncstats("verify")
    assert ran.status == 1
    assert "Gap: stream 'a': 2 lines are missing, seq 2 to 3" in ran.out
    assert "The log has 1 invalid line, 1 duplicate." in ran.out
    assert "line 3, byte " in ran.err
    found = syncstats("verify", "--json").json
    assert found["gaps"] == [{"stream": "a", "first": 2, "last": 3}]


def test_a_gap_is_told_with_what_to_do(syncstats, data):
    write_log(data, event(14_887), first=14_887)
    syncstats("rebuild")
    assert (
        "Gap: stream 'a': 14,880 lines are missing, seq 7 to 14886; bring the segment back from a "
        "backup: docs/howto/restore.md\n"
    ) in syncstats("verify").out


def test_no_rebuild_is_advised_where_stats_and_lines_are_missing(syncstats, data):
    write_log(data, event(9), first=9)
    out = syncstats("verify").out
    assert "There is no stats.json in data to check (1 stream, 6 attempts).\n" in out
    assert "from a backup, before `syncstats rebuild`" in out
    assert "makes it" not in out


def test_a_folder_that_is_not_the_usual_one_is_named_in_what_is_advised(
    syncstats, data, monkeypatch
):
    data.rename("my data")
    advised = "`syncstats rebuild --data 'my data'` makes it.\n"
    assert syncstats("verify", "--data", "my data").out.endswith(advised)
    monkeypatch.setenv("SYNCSTATS_DATA", "my data")
    assert syncstats("verify").out.endswith("`syncstats rebuild` makes it.\n")


def test_verify_warns_of_a_rebuild_where_lines_are_missing(syncstats, data):
    write_log(data, event(7), first=7)
    syncstats("rebuild")
    (data / "events" / "a" / f"{0:020d}.jsonl").unlink()
    ran = syncstats("verify")
    assert ran.status == 1
    assert "Gap: stream 'a': 7 lines are missing, seq 0 to 6" in ran.out
    assert "from a backup, before `syncstats rebuild`" in ran.out
    assert "\\x0a" not in ran.out  # a line of its own for each, not one with an escape in it
    assert "makes it anew" not in ran.out


def test_invalid_lines_alone_are_a_problem_only_when_strict(syncstats, data):
    write_log(data, opened(), event(1), "rubbish", event(2))
    syncstats("rebuild")
    assert syncstats("verify").status == 0
    assert syncstats("verify", "--strict").status == 1
    assert syncstats("verify", "--strict", "--json").json["ok"] is False
