"""Where not one outcome is found, one line says what may be wrong: most often the format."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.support.data_folders import event, lines_of
from tests.support.project import ROOT

SIDEKIQ = (ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl").read_bytes()
ECS = b'{"ecs.version":"8.11.0","event":{"outcome":"success","duration":1500000}}\n'
OWN = b'{"t":1795525200.5,"msg":"finished"}\n'
NOTHING = lines_of(event(0, "worker.started")).encode()


def in_docker(log: bytes) -> bytes:
    wrapped = ({"log": f"{line}\n", "stream": "stdout"} for line in log.decode().splitlines())
    return "".join(json.dumps(line) + "\n" for line in wrapped).encode()


@pytest.mark.parametrize(
    ("log", "args", "said"),
    [
        (SIDEKIQ, (), "sidekiq lines; say --format sidekiq"),
        (SIDEKIQ, ("--format", "oban"), "sidekiq lines; say --format sidekiq"),
        (ECS, ("--format", "sidekiq"), "ecs lines; say --format ecs"),
        (in_docker(SIDEKIQ), (), "docker's wrapping; say --format sidekiq --wrapped docker"),
        (
            in_docker(SIDEKIQ),
            ("--format", "sidekiq"),
            "docker's wrapping; say --format sidekiq --wrapped docker",
        ),
        (lines_of(event(0)).encode(), ("--format", "ecs"), "native lines; say --format native"),
        (OWN, (), "describe its lines with --mapping FILE"),
        (OWN, ("--format", "ecs"), "`syncstats mapping check` says why, of each line"),
        (b"12:00:00 INFO done\n", (), "no line of app.log is a JSON object"),
    ],
)
def test_replay_says_what_the_lines_look_like(log, args, said, syncstats, tmp_path):
    (tmp_path / "app.log").write_bytes(log)
    ran = syncstats("replay", "app.log", *args)
    assert ran.status == 0
    assert ran.out.startswith("Attempts     0 = ")
    (hint,) = [line for line in ran.err.splitlines() if "line 1, byte 0" not in line]
    assert hint.startswith("syncstats: no ")
    assert hint.endswith(said) or said in hint


def test_what_was_said_does_what_was_meant(syncstats, tmp_path):
    (tmp_path / "app.log.gz").write_bytes(gzip.compress(in_docker(SIDEKIQ)))
    hint = syncstats("replay", "app.log.gz").err
    ran = syncstats("replay", "app.log.gz", *hint.rpartition("say ")[2].split())
    assert ran.out.startswith("Attempts     60 = ")
    assert ran.err == ""


@pytest.mark.parametrize(
    ("log", "args"),
    [
        (b"", ()),
        (b"\n\n", ()),
        (NOTHING, ()),
        (SIDEKIQ.splitlines(keepends=True)[0], ("--format", "sidekiq")),
        (SIDEKIQ.splitlines(keepends=True)[0], ("--format", "auto")),
        (lines_of(event(0, "job.skipped")).encode(), ()),
        (SIDEKIQ, ("--format", "sidekiq")),
    ],
)
def test_nothing_is_said_where_all_is_as_it_should_be(log, args, syncstats, tmp_path):
    (tmp_path / "app.log").write_bytes(log)
    ran = syncstats("replay", "app.log", *args)
    assert "no outcome" not in ran.err
    assert " say " not in ran.err


def test_a_pipe_is_not_there_any_more_so_the_way_to_find_out_is_said(syncstats):
    ran = syncstats("replay", "-", stdin=SIDEKIQ)
    assert "--format auto tells" in ran.err
    assert syncstats("replay", "-", "--format", "auto", stdin=SIDEKIQ).out.startswith(
        "Attempts     60 = "
    )
    assert syncstats("replay", "-").err == ""


def test_a_file_of_stats_is_no_log(syncstats, tmp_path):
    (tmp_path / "app.log").write_bytes(SIDEKIQ)
    syncstats("ingest", "app.log", "--state", "state.json")
    ran = syncstats("replay", "state.json")
    assert "state.json holds stats, not lines: `syncstats merge state.json` prints them" in ran.err
    assert syncstats("merge", "state.json").out.startswith("Attempts     60 = ")


def test_ingest_says_that_these_lines_are_read_already(syncstats, tmp_path):
    (tmp_path / "app.log").write_bytes(ECS)
    ran = syncstats("ingest", "app.log", "--state", "state.json", "--format", "sidekiq")
    assert ran.status == 0
    assert ran.err.endswith(
        "app.log: its lines look like ecs lines; say --format ecs. state.json has read these "
        "lines: name another --state then\n"
    )
    assert syncstats("ingest", "app.log", "--state", "other.json", "--format", "ecs").err == ""


def test_export_says_that_it_writes_our_own_outcomes(syncstats, tmp_path):
    (tmp_path / "app.log").write_bytes(SIDEKIQ)
    ran = syncstats("export", "app.log", "--format", "ecs")
    assert (ran.status, ran.out) == (0, "")
    assert "only syncstats' own lines can be exported" in ran.err
    (tmp_path / "own.log").write_text(lines_of(event(0)))
    assert syncstats("export", "own.log", "--format", "ecs").err == ""
