"""`syncstats ingest` as a process: restarts, kills, signals, locks, and what it says."""

from __future__ import annotations

import gzip
import json
import random

import pytest

from tests.support.command import assert_complaint, syncstats
from tests.support.data_folders import a_log, write_log
from tests.support.ingest_command import ARGS, DONE, ERRORS, SAMPLE, counts


def test_a_log_is_added_once_over_any_number_of_runs(tmp_path):
    (tmp_path / "app.log").write_bytes(SAMPLE)
    first = syncstats("ingest", "app.log", *ARGS, "--json", cwd=tmp_path)
    assert (first.status, first.err) == (0, "")
    assert counts(first.json) == (60, 52, 8, ERRORS)

    state = json.loads((tmp_path / "state.json").read_bytes())
    again = syncstats("ingest", "app.log", *ARGS, "--json", cwd=tmp_path)
    assert again.json == first.json
    later = json.loads((tmp_path / "state.json").read_bytes())
    assert later["ingest"].pop("searched_us") > state["ingest"].pop("searched_us")
    assert later == state
    people = syncstats("ingest", "app.log", *ARGS, cwd=tmp_path)
    assert "60 = 52 succeeded + 8 failed" in people.out


@pytest.mark.parametrize("seed", range(4))
def test_a_log_that_is_split_at_any_byte_over_two_runs(tmp_path, seed):
    cut = random.Random(seed).randrange(len(SAMPLE))
    (tmp_path / "app.log").write_bytes(SAMPLE[:cut])
    assert syncstats("ingest", "app.log", *ARGS, cwd=tmp_path).status == 0
    with (tmp_path / "app.log").open("ab") as file:
        file.write(SAMPLE[cut:])
    ran = syncstats("ingest", "app.log", *ARGS, "--json", cwd=tmp_path)

    assert counts(ran.json) == (60, 52, 8, ERRORS)


def test_a_log_in_no_known_format_is_told_in_each_run_and_the_others_count(tmp_path):
    (tmp_path / "a.log").write_bytes(SAMPLE)
    (tmp_path / "b.log").write_text('{"a": 1}\n')
    for _ in range(2):
        ran = syncstats("ingest", "a.log", "b.log", "--state", "s", "--json", cwd=tmp_path)
        assert (ran.status, counts(ran.json)) == (1, (60, 52, 8, ERRORS))
        assert "b.log are in no format that is known" in ran.err


def test_a_damaged_archive_is_left_out_until_it_is_whole(tmp_path):
    whole = gzip.compress(SAMPLE)
    (tmp_path / "app.log.gz").write_bytes(whole[: len(whole) // 2])
    ran = syncstats("ingest", "app.log.gz", *ARGS, "--json", cwd=tmp_path)
    assert (ran.status, counts(ran.json)) == (1, (0, 0, 0, {}))
    assert ran.err.count("it is left out") == len(ran.err.splitlines()) == 1
    (tmp_path / "app.log.gz").write_bytes(whole)
    ran = syncstats("ingest", "app.log.gz", *ARGS, "--json", cwd=tmp_path)
    assert (ran.status, counts(ran.json)) == (0, (60, 52, 8, ERRORS))


@pytest.mark.parametrize("path", ["*.jsonl", "."])
def test_a_glob_and_a_folder_lose_nothing_that_is_renamed_beyond_them(tmp_path, path):
    """Each file stands for its log, so what it is rotated to is read on; what lay there is not."""
    log, lines = tmp_path / "app.jsonl", SAMPLE.splitlines(keepends=True)
    (tmp_path / "app.jsonl.1").write_bytes(SAMPLE)
    log.write_bytes(b"".join(lines[:50]))
    syncstats("ingest", path, *ARGS, cwd=tmp_path)
    with log.open("ab") as file:
        file.write(b"".join(lines[50:100]))
    (tmp_path / "app.jsonl.1").rename(tmp_path / "app.jsonl.2")
    log.rename(tmp_path / "app.jsonl.1")
    log.write_bytes(b"".join(lines[100:]))
    ran = syncstats("ingest", path, *ARGS, "--exclude", "*.9", "--json", cwd=tmp_path)

    assert counts(ran.json) == (60, 52, 8, ERRORS)


def test_a_log_that_came_and_was_rotated_between_two_runs_is_read_whole(tmp_path):
    (tmp_path / "a.log").write_bytes(DONE)
    syncstats("ingest", "*.log", *ARGS, cwd=tmp_path)
    (tmp_path / "b.log.1").write_bytes(SAMPLE)
    (tmp_path / "b.log").write_bytes(DONE.replace(b'jid":"', b'jid":"b'))
    ran = syncstats("ingest", "*.log", *ARGS, "--json", cwd=tmp_path)

    assert ran.json["jobs_processed"] == 62


def test_what_was_rotated_and_compressed_in_between_is_known_again(tmp_path):
    log, lines = tmp_path / "app.log", SAMPLE.splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:50]))
    syncstats("ingest", "app.log", *ARGS, cwd=tmp_path)
    with log.open("ab") as file:
        file.write(b"".join(lines[50:100]))
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    log.write_bytes(b"".join(lines[100:]))
    ran = syncstats("ingest", "app.log", *ARGS, "--json", cwd=tmp_path)

    assert counts(ran.json) == (60, 52, 8, ERRORS)
    assert ran.json["streams"].popitem()[1]["seen"] == [[0, len(lines)]]


def test_auto_says_what_it_found_and_goes_on_with_it(tmp_path):
    (tmp_path / "app.log").write_bytes(SAMPLE)
    args = ("--state", "state.json", "--format", "auto")
    first = syncstats("ingest", "app.log", *args, cwd=tmp_path)
    assert first.err == "syncstats: app.log: sidekiq lines\n"

    with (tmp_path / "app.log").open("ab") as file:
        file.write(DONE)
    again = syncstats("ingest", "app.log", *args, "--json", cwd=tmp_path)
    assert (again.err, again.json["jobs_processed"]) == ("", 61)
    other = syncstats("ingest", "app.log", "--state", "state.json", "--format", "ecs", cwd=tmp_path)
    assert other.err.endswith("app.log: ecs lines from here on, sidekiq lines before\n")


def test_auto_that_finds_nothing(tmp_path):
    (tmp_path / "x.log").write_text('{"a":1}\n')
    args = ("--state", "s.json", "--format", "auto")
    assert_complaint(
        syncstats("ingest", "x.log", *args, cwd=tmp_path), "x.log", "--format", "--mapping"
    )
    (tmp_path / "y.log").write_bytes(SAMPLE)
    both = syncstats("ingest", "x.log", "y.log", *args, "--json", cwd=tmp_path)
    assert (both.status, both.json["jobs_processed"]) == (1, 60)
    assert "x.log" in both.err
    # Nothing of it was taken for read.
    mapped = tmp_path / "m.toml"
    mapped.write_text('name = "m"\n[[outcomes]]\nis = "succeeded"\nwhen = { a = 1 }\n')
    ran = syncstats(
        "ingest", "x.log", "--state", "s.json", "--mapping", mapped, "--json", cwd=tmp_path
    )
    assert ran.json["jobs_processed"] == 61


def test_standard_input_counts_each_time(tmp_path):
    for expected in (60, 120):
        ran = syncstats("ingest", "-", *ARGS, "--json", cwd=tmp_path, stdin=SAMPLE)
        assert (ran.status, ran.json["jobs_processed"]) == (0, expected)
    follow = syncstats("ingest", "-", *ARGS, "--follow", cwd=tmp_path, stdin=SAMPLE)
    assert (follow.status, follow.err) == (0, "")
    assert follow.out == (
        "152 lines added; state.json holds 180 attempts: 156 succeeded, 24 failed, 0 skipped.\n"
    )


def test_standard_input_beside_a_log_in_no_known_format_ends_alike_in_each_run(tmp_path):
    (tmp_path / "x.log").write_text('{"a":1}\n')
    for stdin in (SAMPLE, b""):
        args = ("ingest", "-", "x.log", "--state", "s", "--json")
        ran = syncstats(*args, cwd=tmp_path, stdin=stdin)
        assert (ran.status, ran.json["jobs_processed"]) == (1, 60)
        assert "the lines of x.log are in no format" in ran.err
        assert ran.err.count("standard input: sidekiq lines") == bool(stdin)


def test_an_event_log_counts_as_its_streams(tmp_path):
    write_log(tmp_path / "data", *a_log())
    replayed = syncstats("replay", "data", "--json", cwd=tmp_path).json
    ran = syncstats("ingest", "data", "--state", "state.json", "--json", cwd=tmp_path)
    again = syncstats("ingest", "data/events", "--state", "state.json", "--json", cwd=tmp_path)

    assert ran.status == 0
    assert ran.json["jobs_processed"] == replayed["jobs_processed"] > 0
    assert again.json == ran.json
    assert_complaint(
        syncstats("ingest", "data", *ARGS, cwd=tmp_path),
        "a stream of an event log",
        "--format native",
    )


def test_what_cannot_be_used_is_said_in_one_line(tmp_path):
    (tmp_path / "app.log").write_bytes(SAMPLE)
    (tmp_path / "data" / "events").mkdir(parents=True)
    (tmp_path / "stats.json").write_text(
        syncstats("replay", "app.log", *ARGS[2:], "--json", cwd=tmp_path).out
    )
    for args, *parts in (
        (("missing.log", *ARGS), "missing.log does not exist"),
        (("app.log", "--state", "none/s.json"), "none does not exist", "--state"),
        (("app.log", "--state", "."), "--state"),
        (("app.log", "--state", "/dev/null"), "/dev/null is no regular file", "--state"),
        (("app.log", "--state", "stats.json"), "stats.json", "--state"),
        (("app.log", *ARGS, "--mapping", "m.toml"), "--format and --mapping"),
        (("app.log",), "--state"),
        (("app.log", "--state", "data/stats.json", "--new-state"), "belongs to the data folder"),
    ):
        assert_complaint(syncstats("ingest", *args, cwd=tmp_path), *parts)


def test_standard_input_that_was_recognised_counts_beside_an_unknown_log(tmp_path):
    (tmp_path / "odd.log").write_bytes(b'{"what":"ever"}\n' * 300)
    args = ("ingest", "-", "odd.log", "--state", "state.json", "--format", "auto")
    ran = syncstats(*args, cwd=tmp_path, stdin=SAMPLE)
    assert ran.status == 1, ran
    assert "odd.log: its lines" in ran.err
    assert "60" in ran.out
