from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.handlers import wait_until
from worker.handlers import guard as guard_module
from worker.handlers import guard_process
from worker.handlers.guard import Guard
from worker.handlers.guard_process import kill_group, watch


@pytest.fixture
def guard():
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture
def sleeper():
    """Starts processes that lead a group."""
    started = []

    def start():
        process = subprocess.Popen(["sleep", "300"], start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_groups_that_are_left_at_the_end_are_killed():
    killed = []
    watch([b"+5\n", b"+6\n", b"+7\n", b"-6\n", b"-9\n", b"\n", b"+x\n"], killed.append)
    assert killed == [5, 7]


def test_killing_a_group_that_is_gone_is_fine(sleeper):
    process = sleeper()
    kill_group(process.pid)
    assert process.wait() == -signal.SIGKILL
    kill_group(process.pid)


def test_closing_kills_what_is_watched_and_nothing_else(guard, sleeper):
    watched, forgotten, other = sleeper(), sleeper(), sleeper()
    guard.watch(watched.pid)
    guard.watch(forgotten.pid)
    guard.forget(forgotten.pid)
    guard.close()
    assert watched.wait() == -signal.SIGKILL
    assert forgotten.poll() is None
    assert other.poll() is None
    guard.close()


def test_a_guard_that_died_is_replaced_and_told_all(guard, sleeper):
    first, second = sleeper(), sleeper()
    guard.watch(first.pid)
    killed = guard._process
    killed.kill()
    killed.wait()
    guard.watch(second.pid)
    assert guard._process.pid != killed.pid
    guard.close()
    assert first.wait() == second.wait() == -signal.SIGKILL


def test_forgetting_when_the_guard_has_died_is_fine(guard, sleeper):
    process = sleeper()
    guard.watch(process.pid)
    guard._process.kill()
    guard._process.wait()
    guard.forget(process.pid)
    guard.close()
    assert process.poll() is None


def test_a_guard_that_cannot_run_is_an_error(guard, monkeypatch):
    class Dead(subprocess.Popen):
        """Has ended before anything can be written to it."""

        def __init__(self, _, **options):
            super().__init__(["true"], **options)
            self.wait()

    monkeypatch.setattr(guard_module.subprocess, "Popen", Dead)
    with pytest.raises(OSError, match="does not run"):
        guard.watch(os.getpid())


def test_the_script_does_not_mind_signals_and_ends_with_its_input(sleeper):
    process = sleeper()
    script = subprocess.Popen(
        [sys.executable, "-I", "-S", guard_process.__file__], stdin=subprocess.PIPE
    )
    script.stdin.write(b"+%d\n" % process.pid)
    script.stdin.flush()
    status = Path(f"/proc/{script.pid}/status")

    def ignores_term():
        mask = next(line for line in status.read_text().splitlines() if "SigIgn" in line)
        return int(mask.split()[1], 16) >> (signal.SIGTERM - 1) & 1 == 1

    wait_until(ignores_term, "the script ignores SIGTERM")
    script.terminate()
    assert process.poll() is None
    script.stdin.close()
    assert script.wait() == 0
    assert process.wait() == -signal.SIGKILL


def test_main_watches_standard_input(monkeypatch, sleeper, tmp_path):
    process = sleeper()
    (tmp_path / "in").write_bytes(b"+%d\n" % process.pid)
    handled = {}
    monkeypatch.setattr(guard_process.signal, "signal", handled.__setitem__)
    with (tmp_path / "in").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        guard_process.main()
    assert process.wait() == -signal.SIGKILL
    assert handled[signal.SIGTERM] == handled[signal.SIGINT] == signal.SIG_IGN
