"""Pipes that are closed, a full disk behind stdout, a locale that cannot say it, an interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.command import (
    COMMAND,
    HEARS_SIGINT,
    assert_complaint,
    clean_env,
    shell,
    syncstats,
)
from tests.support.data_folders import enqueue, whole, write_log


@pytest.fixture
def own(tmp_path):
    whole(tmp_path / "data")
    assert syncstats("rebuild", cwd=tmp_path).status == 0
    return tmp_path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working folder with ./data in it; commands that change nothing may share it."""
    place = tmp_path_factory.mktemp("shared")
    whole(place / "data")
    assert syncstats("rebuild", cwd=place).status == 0
    return place


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


@pytest.mark.parametrize("gone", ["its reader", "its disk"])
def test_messages_that_can_go_nowhere_are_not_taken_for_the_logs_trouble(tmp_path, gone):
    (tmp_path / "log.jsonl").write_bytes(b"words\n" * 30)
    call = [*COMMAND, "replay", "log.jsonl", "--json"]
    options = {"cwd": tmp_path, "env": clean_env(), "stdout": subprocess.PIPE}
    expected = subprocess.run(call, check=False, stderr=subprocess.PIPE, **options)
    assert expected.stderr
    if gone == "its reader":
        reading, number = os.pipe()
        os.close(reading)
    else:
        number = os.open("/dev/full", os.O_WRONLY)
    with os.fdopen(number, "wb", buffering=0) as nowhere:
        done = subprocess.run(call, check=False, stderr=nowhere, **options)
    assert (done.returncode, done.stdout) == (0, expected.stdout)
