"""`syncstats run` as a process: what it prints, how a signal stops it, and with which status."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest

from tests.support.command import COMMAND, assert_complaint, clean_env, syncstats

HANDLER = """
from worker.errors import PermanentError

def handle(job):
    print("a handler may print")
    if job.scene_id == 13:
        raise PermanentError("bad luck")
"""


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
