"""The disk of an ingestion's state is really full, and then there is room again."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import contextmanager

import pytest

from tests.support.command import COMMAND, assert_complaint, clean_env, syncstats
from tests.support.handlers import wait_until
from tests.support.processes import watch_waiting
from tests.support.small_disk import fill, small_disk

ARGS = ("ingest", "app.log", "--state", "disk/state.json", "--format", "sidekiq")
TROUBLE = "cannot be saved: No space left on device"
MENDED = "is saved again"
LINES = 50  # that are written at once


@pytest.fixture
def folder(tmp_path):
    """A folder in which `disk` is a small disk, and app.log is not on it."""
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", "1m"):
        yield tmp_path


def write(folder, first):
    """Write lines, each with a job of its own; give the number of the next."""
    with (folder / "app.log").open("a") as log:
        for number in range(first, first + LINES):
            ctx = {"class": "Sync", "jid": f"{number}", "elapsed": 0.5}
            line = {"ts": "2026-11-24T13:00:50.400Z", "pid": 1, "tid": "x", "lvl": "INFO"}
            log.write(json.dumps({**line, "msg": "done", "ctx": ctx}) + "\n")
    return first + LINES


def saved(folder):
    path = folder / "disk" / "state.json"
    return json.loads(path.read_bytes())["jobs_processed"] if path.exists() else 0


@contextmanager
def following(folder):
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [*COMMAND, *ARGS, "--follow"],
            cwd=folder,
            env=clean_env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def said(folder):
    return (folder / "said").read_text().splitlines()


def until_trouble(folder, process):
    """Let it meet the full disk with new lines; give what takes the room, and the next line."""
    following_line = write(folder, 0)
    wait_until(lambda: saved(folder) == LINES, "the first lines are saved", 60)
    ballast = fill(folder / "disk")
    following_line = write(folder, following_line)
    wait_until(lambda: any(TROUBLE in line for line in said(folder)), "it meets the full disk", 60)
    assert process.poll() is None
    return ballast, following_line


def assert_all_counted(folder, lines):
    ran = syncstats(*ARGS, "--json", cwd=folder)
    assert (ran.status, ran.json["jobs_processed"]) == (0, lines)
    (stream,) = ran.json["streams"].values()
    assert stream["seen"] == [[0, lines]]


def test_who_follows_says_so_once_and_goes_on_when_there_is_room(folder):
    with following(folder) as process:
        ballast, lines = until_trouble(folder, process)
        lines = write(folder, lines)
        assert watch_waiting(process.pid, 6).cpu < 0.5  # some tries
        assert saved(folder) == LINES, "the state is what it was"
        ballast.unlink()
        wait_until(lambda: saved(folder) == lines, "all is saved", 60)
        lines = write(folder, lines)
        wait_until(lambda: saved(folder) == lines, "what came since is, too", 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert [MENDED in line for line in said(folder)] == [False, True]
    assert_all_counted(folder, lines)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_end_meanwhile_loses_and_repeats_nothing(folder, end):
    with following(folder) as process:
        ballast, lines = until_trouble(folder, process)
        process.send_signal(end)
        status = process.wait(timeout=60)
    assert status == (1 if end == signal.SIGTERM else -signal.SIGKILL)
    if end == signal.SIGTERM:
        assert "the next run reads those lines again" in said(folder)[-1]
    assert saved(folder) == LINES
    ballast.unlink()
    assert_all_counted(folder, lines)
    assert not [*(folder / "disk").glob(".syncstats-*")] or end == signal.SIGKILL


def test_a_single_run_ends_with_one_line_and_the_next_one_counts_all(folder):
    lines = write(folder, 0)
    ballast = fill(folder / "disk")
    ran = syncstats(*ARGS, "--json", cwd=folder)
    assert_complaint(ran, f"disk/state.json {TROUBLE}", status=1)
    assert not (folder / "disk" / "state.json").exists()
    ballast.unlink()
    assert_all_counted(folder, lines)
