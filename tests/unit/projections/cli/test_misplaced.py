"""What is no data folder is refused by every command that takes one."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.data_folders import a_log, enqueue, lines_of, write_log

COMMANDS = [
    ["verify"],
    ["show"],
    ["show", "--json"],
    ["rebuild"],
    ["prune", "--compress"],
    ["pause"],
    ["resume"],
    ["replay"],
    ["export", "--format", "structlog", "--out", "out.jsonl"],
    ["tail"],
    ["dlq", "list"],
    ["dlq", "summary"],
    ["dlq", "show", "1"],
    ["dlq", "retry", "--all"],
    ["dlq", "purge", "--all"],
    ["dlq", "restore"],
    ["enqueue", "-"],
    ["run", "--handler", "exec:cat", "--drain"],
]


def names_in(folder):
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_log_is_refused_and_nothing_is_written_into_it(syncstats, data, command):
    before = names_in(data)
    ran = syncstats(*command, "--data", "data/events", stdin='{"scene_id": 7}\n')
    assert (ran.status, ran.out) == (2, "")
    assert "data/events is the log of a data folder, not the folder itself: --data data" in ran.err
    assert names_in(data) == before


@pytest.mark.parametrize("command", [["verify"], ["rebuild"], ["enqueue", "-"]], ids=" ".join)
def test_a_stream_is_refused(syncstats, data, command):
    before = names_in(data)
    ran = syncstats(*command, "--data", "data/events/a", stdin='{"scene_id": 7}\n')
    assert (ran.status, ran.out) == (2, "")
    assert "data/events/a is a stream of a data folder, not the folder itself: --data data" in (
        ran.err
    )
    assert names_in(data) == before


@pytest.mark.parametrize(
    ("where", "named", "meant"),
    [
        ("data", "events", "--data ."),
        ("data/events", ".", "--data .."),
        ("data/events", "a", "--data .."),
        ("data/events/a", ".", "--data ../.."),
        (".", "data/events/", "--data data"),
        (".", "{here}/data/events", "--data {here}/data"),
        (".", "data/../data/events", "--data data"),
    ],
)
@pytest.mark.usefixtures("data")
def test_the_folder_is_named_as_it_can_be_given(syncstats, tmp_path, where, named, meant):
    os.chdir(tmp_path / where)
    ran = syncstats("verify", "--data", named.format(here=tmp_path))
    assert ran.status == 2
    assert f"{meant.format(here=tmp_path)} (see" in ran.err


def test_a_link_to_a_log_leads_to_the_folder_that_it_is_in(syncstats, data, tmp_path):
    (tmp_path / "log").symlink_to(data / "events")
    ran = syncstats("verify", "--data", "log")
    assert ran.status == 2
    assert "log is the log of a data folder, not the folder itself: --data data" in ran.err


def test_a_log_that_is_itself_a_link_leads_to_the_folder_that_has_it(syncstats, data, tmp_path):
    (data / "events").rename(tmp_path / "disk")
    (data / "events").symlink_to(tmp_path / "disk")
    assert "--data data (see" in syncstats("verify", "--data", "data/events").err


def test_a_log_elsewhere_is_led_to_replay(syncstats, data):
    shutil.copytree(data / "events", "copied")
    ran = syncstats("verify", "--data", "copied")
    assert ran.status == 2
    assert "copied is an event log, and no data folder: `syncstats replay copied` adds" in ran.err
    ran = syncstats("rebuild", "--data", "copied/a")
    assert "copied/a is a stream, and no data folder: `syncstats replay copied/a`" in ran.err


def test_one_into_which_stats_were_written_is_still_no_data_folder(syncstats, data):
    (data / "events" / "stats.json").write_text("{}")
    (data / "events" / "stats.lock").touch()
    assert syncstats("verify", "--data", "data/events").status == 2


def test_the_environment_is_judged_too_and_named(syncstats, data, monkeypatch):
    monkeypatch.setenv("SYNCSTATS_DATA", str(data / "events"))
    ran = syncstats("show")
    assert ran.status == 2
    assert "(from the environment variable SYNCSTATS_DATA)" in ran.err


def test_a_data_folder_may_be_called_events_and_hold_other_folders(syncstats, tmp_path):
    data = tmp_path / "events"
    write_log(data, *a_log())
    (data / "old").mkdir()
    (data / "old" / "notes.jsonl").write_text(lines_of("{}"))
    assert syncstats("rebuild", "--data", "events").status == 0
    assert syncstats("verify", "--data", "events").status == 0


def test_a_data_folder_without_a_log_yet_is_one(syncstats, tmp_path):
    enqueue(tmp_path / "events")
    (tmp_path / "events" / "old").mkdir()
    assert syncstats("show", "--data", "events").status == 0
    (tmp_path / "empty").mkdir()
    assert syncstats("enqueue", "-", "--data", "empty", stdin='{"scene_id": 7}\n').status == 0
    assert (tmp_path / "empty" / "queue.db").exists()


def test_another_programs_folder_of_lines_is_no_log(syncstats, tmp_path):
    (tmp_path / "other" / "logs").mkdir(parents=True)
    (tmp_path / "other" / "logs" / "app.jsonl").write_text("{}\n")
    assert syncstats("enqueue", "-", "--data", "other", stdin='{"scene_id": 7}\n').status == 0


@pytest.mark.parametrize(
    "command",
    [
        ["verify"],
        ["show"],
        ["rebuild"],
        ["prune", "--compress"],
        ["pause"],
        ["resume"],
        ["dlq", "list"],
        ["dlq", "summary"],
        ["dlq", "restore"],
        ["run", "--handler", "exec:cat", "--drain"],
    ],
    ids=" ".join,
)
def test_a_folder_without_its_option_is_led_to_it(syncstats, data, command):
    before = names_in(data)
    ran = syncstats(*command, "data")
    assert (ran.status, ran.out) == (2, "")
    assert "the data folder is named with --data: --data data (see" in ran.err
    assert names_in(data) == before
    ran = syncstats(*command, "x", "y")
    assert "Got unexpected extra arguments (x y) (see" in ran.err
