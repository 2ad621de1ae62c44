"""show, replay, rebuild, verify, merge: over a log that was not written by a run."""

from __future__ import annotations

import json

import pytest

from tests.support.command import assert_complaint
from tests.support.data_folders import a_log, event, lines_of, opened, whole, write_log
from tests.support.pruned_logs import prune_to

READING = (["show"], ["verify"], ["rebuild"], ["replay"], ["tail"])
ISSUE = (
    event(0, confidence="low"),
    "not json",
    event(1, "job.failed", duration_ns=200_000_000, error_type="PlexNotFound", to_dlq=True),
)


@pytest.fixture
def data(tmp_path):
    return whole(tmp_path / "data")


def counters(stats):
    return {
        name: stats[name]
        for name in stats
        if name not in {"streams", "invalid_lines", "duplicates", "queue", "dead_letters"}
    }


# show ---------------------------------------------------------------------------------------------


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
        "Dead letters 2 (`syncstats dlq`)",
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


# replay -------------------------------------------------------------------------------------------


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
        (["-", "--format", "florp"], "florp"),
    ],
)
def test_what_cannot_be_replayed(args, part, syncstats):
    ran = syncstats("replay", *args)
    assert (ran.status, ran.out) == (2, "")
    assert part in ran.err


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


# rebuild and verify -------------------------------------------------------------------------------


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


# merge --------------------------------------------------------------------------------------------


@pytest.fixture
def files(syncstats, tmp_path):
    """An older and a newer file of one machine, and one of another."""
    for name, stream, events in (
        ("old", "a", a_log()[:3]),
        ("new", "a", a_log()),
        ("far", "b", [event(0, stream="b")]),
    ):
        write_log(tmp_path / name, *events, stream=stream)
        syncstats("replay", name, "--out", f"{name}.json")


@pytest.mark.usefixtures("files")
def test_merge_counts_nothing_twice(syncstats, tmp_path):
    ran = syncstats("merge", "old.json", "far.json", "new.json", "new.json", "--json")
    assert ran.json["jobs_processed"] == 6
    syncstats("merge", "new.json", "far.json", "--out", "one.json")
    out = syncstats("merge", "far.json", "old.json", "new.json", "--out", "two.json").out
    assert out.endswith("Written to two.json.\n")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


@pytest.mark.usefixtures("files")
def test_merge_of_two_histories_is_refused(syncstats, tmp_path):
    other = [opened() | {"epoch": "other"}, *a_log()[1:4]]
    write_log(tmp_path / "restored", *other)
    syncstats("replay", "restored", "--out", "restored.json")
    ran = syncstats("merge", "new.json", "restored.json")
    assert (ran.status, ran.out) == (2, "")
    assert "'a' has two histories" in ran.err


def test_merge_says_what_it_could_not_check(syncstats, tmp_path):
    write_log(tmp_path / "old", opened(), event(1))
    many = [event(n, "stream.opened", epoch=f"e{n}") for n in range(2, 80)]
    write_log(tmp_path / "new", opened(), event(1), *many)
    for name in ("old", "new"):
        syncstats("replay", name, "--out", f"{name}.json")
    ran = syncstats("merge", "old.json", "new.json")
    assert ran.status == 0
    assert ran.err.startswith("syncstats: stream 'a': one file is older than all openings")


@pytest.mark.parametrize(
    ("content", "part"),
    [("{}", "is no snapshot"), ("x", "damaged"), (None, "No such file or directory")],
)
def test_what_cannot_be_merged(content, part, syncstats, tmp_path):
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    ran = syncstats("merge", "x.json")
    assert (ran.status, ran.out) == (2, "")
    assert "x.json" in ran.err
    assert part in ran.err


def test_merge_refuses_lines_without_a_place(syncstats):
    loose = '{"event":"job.succeeded","timestamp":"2026-01-01T00:00:00Z"}\n'
    syncstats("replay", "-", "--out", "loose.json", stdin=loose)
    assert_complaint(syncstats("merge", "loose.json", "loose.json"), "without stream and seq")
    ran = syncstats("merge", "loose.json")  # one alone is printed
    assert ran.status == 0
    assert ran.out.splitlines()[0].startswith("Attempts     1 = ")
    assert "Log          newest outcome 2026-01-01 00:00:00Z" in ran.out.splitlines()


# A file in the place of a data folder -------------------------------------------------------------


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_file_of_stats_leads_to_the_command_that_prints_it(command, syncstats, data):
    (data.parent / "done.log").write_text('{"msg":"done","ctx":{"jid":"5f","elapsed":0.1}}\n')
    syncstats("ingest", "done.log", "--state", "state.json", "--format", "sidekiq")
    syncstats("replay", "--out", "out.json")
    syncstats("rebuild")
    for file in ("state.json", "out.json", data / "stats.json"):
        for args in ([file], ["--data", file], ["--json", file]):
            ran = syncstats(command, *args)
            assert_complaint(
                ran, f"{file} is a file of stats", f"`syncstats merge {file}` prints it"
            )
            assert syncstats("merge", file).status == 0


@pytest.mark.parametrize("command", ["show", "verify"])
@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["data"], "is named with --data: --data data"),
        (["nothing"], "Got unexpected extra argument (nothing)"),
        (["--data", "log"], "'log' is a file"),
    ],
)
def test_anything_else_beside_the_options_is_refused(command, args, part, syncstats, data):
    (data.parent / "log").write_text("line\n")
    assert_complaint(syncstats(command, *args), part)


# Where nothing is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("args", READING)
def test_no_folder(args, syncstats, tmp_path):
    ran = syncstats(*args)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("syncstats: no data folder data: ")
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("args", [["verify"], ["rebuild"], ["replay"], ["tail"]])
def test_a_folder_that_is_none_of_ours(args, syncstats, tmp_path):
    (tmp_path / "photos").mkdir()
    ran = syncstats(*args, "--data", "photos")
    assert (ran.status, ran.out) == (2, "")
    assert "is it the right folder?" in ran.err
    assert list((tmp_path / "photos").iterdir()) == []
