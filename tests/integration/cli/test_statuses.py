"""Every command in a process of its own: what it says where, and with which status it ends."""

from __future__ import annotations

import json

import pytest

from projections.cli.lazy import LazyGroup, load
from projections.cli.main import cli
from tests.support.command import COMMAND, assert_complaint, shell, syncstats
from tests.support.data_folders import a_log, whole, write_log
from tests.support.privileges import as_permissions_say

WITH_JSON = (
    ["show"], ["verify"], ["rebuild"], ["replay"], ["merge", "data/stats.json"], ["pause"],
    ["resume"], ["dlq", "list"], ["dlq", "summary"], ["dlq", "show", "1"],
    ["dlq", "retry", "--all", "--dry-run"], ["dlq", "purge", "--all", "--dry-run"],
    ["enqueue", "-"],
)  # fmt: skip

NEEDS_A_FOLDER = (
    ["show"], ["verify"], ["rebuild"], ["replay"], ["tail"], ["pause"], ["resume"], ["dlq", "list"],
    ["dlq", "summary"], ["dlq", "show", "1"], ["dlq", "retry", "1"], ["dlq", "purge", "1"],
)  # fmt: skip


@pytest.fixture
def own(tmp_path):
    whole(tmp_path / "data")
    assert syncstats("rebuild", cwd=tmp_path).status == 0
    return tmp_path


@pytest.mark.parametrize("args", WITH_JSON, ids=" ".join)
def test_json_is_one_value_on_stdout(args, own):
    ran = syncstats(*args, "--json", cwd=own, FORCE_COLOR="1")
    assert (ran.status, ran.err) == (0, "")
    json.loads(ran.out)
    assert ran.out.count("\n") == 1


@pytest.mark.parametrize("args", [*WITH_JSON, ["tail"]], ids=" ".join)
def test_in_a_pipe_it_is_plain_and_80_wide(args, own):
    ran = syncstats(*args, cwd=own, COLUMNS="300")
    assert (ran.status, ran.err) == (0, "")
    assert "\x1b" not in ran.out
    assert max((len(line) for line in ran.out.splitlines()), default=0) <= 80


@pytest.mark.parametrize("args", NEEDS_A_FOLDER, ids=" ".join)
def test_no_data_folder(args, tmp_path):
    ran = syncstats(*args, cwd=tmp_path, SYNCSTATS_DATA="nowhere")
    assert_complaint(ran, "no data folder nowhere", "--data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("args", NEEDS_A_FOLDER, ids=" ".join)
def test_a_data_folder_that_is_a_file(args, tmp_path):
    (tmp_path / "data").touch()
    assert_complaint(syncstats(*args, cwd=tmp_path), "is a file")


@pytest.mark.parametrize(
    "args",
    [["show"], ["pause"], ["resume"], ["enqueue", "-"], ["run", "--handler", "exec:cat"]],
    ids=" ".join,
)
def test_a_queue_that_is_none(args, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "queue.db").write_bytes(b"nothing that SQLite wrote\n" * 99)
    assert_complaint(syncstats(*args, cwd=tmp_path), "queue.db")


@pytest.mark.parametrize("args", [["show"], ["verify"], ["merge", "data/stats.json"]], ids=" ".join)
def test_stats_that_are_none(args, own):
    (own / "data" / "stats.json").write_text("[]")
    assert_complaint(syncstats(*args, cwd=own), "stats.json")


@pytest.mark.parametrize("args", [["enqueue", "x"], ["replay", "x"], ["merge", "x"]], ids=" ".join)
def test_what_may_not_be_read(args, tmp_path):
    (tmp_path / "x").touch(0o000)
    ran = syncstats(*args, cwd=tmp_path, preexec=as_permissions_say())
    assert_complaint(ran, "x", "read")


def test_a_data_folder_that_may_not_be_written_to(own):
    (own / "data" / "stats.json").write_text("")
    (own / "data").chmod(0o500)
    try:
        ran = syncstats("rebuild", cwd=own, preexec=as_permissions_say())
    finally:
        (own / "data").chmod(0o700)
    assert_complaint(
        ran,
        "data/stats.json cannot be written: Permission denied; let this user write in the folder "
        "data, and try again",
    )


@pytest.mark.parametrize("args", [["enqueue", "x"], ["replay", "x"], ["merge", "x"]], ids=" ".join)
def test_what_is_not_there(args, tmp_path):
    assert_complaint(syncstats(*args, cwd=tmp_path), "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "args",
    [
        ["florp"], ["--florp"], ["dlq", "florp"], ["run"], ["run", "--handler", "x:y", "--wait"],
        ["enqueue"], ["merge"], ["dlq", "show"], ["dlq", "retry"], ["dlq", "purge"],
        ["show", "extra"], ["tail", "--lines", "-1"], ["replay", "--format", "florp"],
        ["show", "--config", "none.toml"], ["pause", "--json=1"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage(args, tmp_path):
    assert_complaint(syncstats(*args, cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_found_problems_are_status_1(own):
    (own / "data" / "events" / "a" / f"{0:020d}.jsonl").unlink()
    write_log(own / "data", *a_log()[:3], "rubbish")
    assert syncstats("verify", cwd=own).status == 1
    assert_complaint(syncstats("replay", "--strict", cwd=own), "invalid line", status=1)
    assert syncstats("dlq", "retry", "99", cwd=own).status == 1
    assert syncstats("dlq", "purge", "1", "99", cwd=own).status == 1


def examples():
    def walk(group, words):
        for name, entry in group.lazy.items():
            if name == "demo":  # runs in a test of its own
                continue
            command = load(entry)
            if isinstance(command, LazyGroup):
                yield from walk(command, [*words, name])
            else:
                yield pytest.param(command.example, id=" ".join([*words, name]))

    return [*walk(cli, [])]


@pytest.mark.parametrize("example", examples())
def test_the_example_of_each_help_runs(example, own):
    script = f'syncstats() {{ {" ".join(COMMAND)} "$@"; }}\nset -e -o pipefail\n{example}'
    done = shell(script, own)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
