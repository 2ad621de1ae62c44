"""Every command in a process of its own: what it says where, and with which status it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from projections.cli.lazy import LazyGroup, load
from projections.cli.main import cli
from tests.support.command import COMMAND, HEARS_SIGINT, assert_complaint, clean_env, syncstats
from tests.support.data_folders import a_log, enqueue, whole, write_log
from tests.support.privileges import as_permissions_say

HANDLER = """
from worker.errors import PermanentError

def handle(job):
    print("a handler may print")
    if job.scene_id == 13:
        raise PermanentError("bad luck")
"""
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with ./data in it; commands that change nothing may share it."""
    place = tmp_path_factory.mktemp("shared")
    whole(place / "data")
    assert syncstats("rebuild", cwd=place).status == 0
    return place


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


# run ----------------------------------------------------------------------------------------------


@pytest.fixture
def working(tmp_path):
    """A folder with a handler and 20 jobs, of which one fails for good."""
    (tmp_path / "sync.py").write_text(HANDLER)
    jobs = "".join(f'{{"scene_id": {n}}}\n' for n in range(20))
    assert syncstats("enqueue", "-", cwd=tmp_path, stdin=jobs).status == 0
    return tmp_path


def test_run_and_all_that_reads(working):
    ran = syncstats("run", "--handler", "sync:handle", "--drain", cwd=working)
    assert (ran.status, ran.err) == (0, "")
    assert "Sync summary: 19/20 succeeded (95.0%)" in ran.out
    assert "DLQ contains 1 item: 1 PermanentError" in ran.out
    shown = syncstats("show", "--json", cwd=working).json
    assert (shown["jobs_succeeded"], shown["jobs_to_dlq"]) == (19, 1)
    assert shown["queue"] == {
        "due": 0, "scheduled": 0, "next_due_at": None, "leased": 0, "paused": False,
    }  # fmt: skip
    assert syncstats("verify", cwd=working).status == 0
    before = (working / "data" / "stats.json").read_bytes()
    (working / "data" / "stats.json").unlink()
    assert syncstats("rebuild", cwd=working).status == 0
    assert (working / "data" / "stats.json").read_bytes() == before
    assert syncstats("replay", "--json", cwd=working).json == json.loads(before)


def test_run_fail_on_dead(working):
    args = ("run", "--handler", "sync:handle", "--drain", "--fail-on-dead")
    assert syncstats(*args, cwd=working).status == 1
    assert syncstats(*args, cwd=working).status == 0  # none died this time


def test_run_says_what_waits(working):
    (working / "sync.py").write_text("def handle(job):\n    raise OSError('later')\n")
    args = ("run", "--handler", "sync:handle", "--drain", "--breaker-failures", "999")
    ran = syncstats(*args, "--retry-base", "3600", "--retry-cap", "3600", cwd=working)
    assert ran.status == 0
    assert ran.out.splitlines()[-1].startswith("20 jobs wait for later, the next at 20")
    syncstats("pause", cwd=working)
    ran = syncstats(*args, cwd=working)
    assert (ran.status, ran.out) == (0, "The queue is paused with 20 jobs waiting.\n")


@pytest.mark.parametrize(
    "spec", ["nothing", "no_such_module:f", "sync:no_such_function", "nfo:/no/such/folder"]
)
def test_run_with_a_handler_that_cannot_be_had(spec, tmp_path):
    (tmp_path / "sync.py").write_text(HANDLER)
    ran = syncstats("run", "--handler", spec, "--drain", cwd=tmp_path)
    assert_complaint(ran, spec)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_is_stopped_by_a_signal_with_status_0(number, working):
    (working / "sync.py").write_text(
        "import pathlib, time\n"
        "def handle(job):\n"
        "    pathlib.Path('began').touch()\n"
        "    while not pathlib.Path('go').exists():\n"
        "        time.sleep(0.005)\n"
    )
    run = subprocess.Popen(
        [*COMMAND, "run", "--handler", "sync:handle"],
        cwd=working,
        env=clean_env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(working / "began")
    run.send_signal(number)
    assert run.stderr is not None
    assert run.stderr.readline().startswith(b"syncstats: stopping")
    (working / "go").touch()
    out, _ = run.communicate(timeout=30)
    assert run.returncode == 0
    assert b"Sync summary: 1/1 succeeded" in out
    shown = syncstats("show", "--json", cwd=working).json
    assert shown["jobs_processed"] == 1
    assert (shown["queue"]["due"], shown["queue"]["leased"]) == (19, 0)
    assert syncstats("verify", cwd=working).status == 0


def wait_for(path, timeout_s=30):
    end = time.monotonic() + timeout_s
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.01)


# Streams ------------------------------------------------------------------------------------------


def shell(script, cwd):
    env = clean_env(SYNCSTATS=" ".join(COMMAND))
    return subprocess.run(
        ["bash", "-c", script], cwd=cwd, env=env, capture_output=True, check=False
    )


def test_a_reader_that_goes_away_is_no_error(folder):
    write_log(folder / "long", *[f"rubbish {n}" for n in range(10)])
    done = shell("set -o pipefail; $SYNCSTATS tail long --lines 0 --full | true", folder)
    assert done.stderr == b""
    script = "$SYNCSTATS show --json | :; echo ${PIPESTATUS[0]}"
    done = shell(f"for _ in 1 2 3; do {script}; done", folder)
    assert done.stderr == b""
    assert set(done.stdout.split()) <= {b"0", b"141"}


def test_a_closed_pipe_is_told_by_the_status(folder):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, "show"], cwd=folder, env=clean_env(), stdout=pipe, stderr=subprocess.PIPE,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout(folder):
    done = shell("$SYNCSTATS show --json > /dev/full", folder)
    assert done.returncode == 2
    assert done.stderr.startswith(b"syncstats: a file, or standard output, cannot be written")
    assert done.stderr.endswith(b": No space left on device; free some space and try again\n")


def test_a_closed_stdout(folder):
    done = shell("$SYNCSTATS show >&-", folder)
    assert done.returncode == 2
    assert done.stderr.startswith(b"syncstats: standard output is closed")


def test_a_locale_that_cannot_say_it(own):
    enqueue(own / "data")
    ran = syncstats("tail", "--lines", "1", cwd=own, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (ran.status, ran.err) == (0, "")
    ran = syncstats("show", "\u2026", cwd=own, PYTHONIOENCODING="ascii")
    assert_complaint(ran)


def test_interrupted_tail(own):
    tail = subprocess.Popen(
        [*HEARS_SIGINT, *COMMAND, "tail", "--follow"],
        cwd=own,
        env=clean_env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert tail.stdout is not None
        first = tail.stdout.readline()
        tail.send_signal(signal.SIGINT)
        _, err = tail.communicate(timeout=30)
    finally:
        tail.kill()
        tail.communicate()
    assert first == b"--- 2026-01-01 UTC\n"
    assert (tail.returncode, err) == (130, b"")


# Examples -----------------------------------------------------------------------------------------


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
