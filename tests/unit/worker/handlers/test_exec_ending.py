"""How a command ends: by itself, after its timeout, when the worker stops or dies."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.handlers import make_job, wait_until
from tests.support.processes import is_alive, is_gone, pid_in
from worker.errors import (
    HandlerStopped,
    HandlerTimeout,
    TransientError,
)
from worker.handlers import group
from worker.handlers.base import Outcome
from worker.handlers.guard import Guard
from worker.handlers.loader import load_handler


class TestHowACommandEnds:
    def test_after_its_timeout_it_is_asked_to_end(self, run_sh, tmp_path):
        handler = run_sh(
            f"trap 'echo bye > {tmp_path}/bye; exit 0' TERM; echo slow >&2; sleep 60 & wait",
            timeout_s=0.3,
            grace_s=60,
        )
        with pytest.raises(HandlerTimeout, match=r"after 0\.3 s.*stderr: slow"):
            handler(make_job())
        assert (tmp_path / "bye").exists()

    def test_if_it_does_not_end_it_is_killed_with_all_it_started(self, run_sh, tmp_path):
        handler = run_sh(
            f"trap '' TERM; (echo $$ >/dev/null; exec sleep 60) & echo $! > {tmp_path}/child; "
            f"echo $$ > {tmp_path}/self; while :; do sleep 60; done",
            timeout_s=0.3,
        )
        with pytest.raises(HandlerTimeout, match=r"after 0\.3 s, the timeout$"):
            handler(make_job())
        wait_until(is_gone(pid_in(tmp_path / "child")), "the child of the command is gone")
        wait_until(is_gone(pid_in(tmp_path / "self")), "the command is gone")

    def test_what_it_leaves_running_ends_with_it(self, run_sh, tmp_path):
        handler = run_sh(f"sleep 60 & echo $! > {tmp_path}/child; echo '{{\"warnings\": 1}}'")
        assert handler(make_job()) == Outcome(warnings=1)
        wait_until(is_gone(pid_in(tmp_path / "child")), "the child of the command is gone")

    def test_a_process_that_left_the_group_and_keeps_the_pipes_does_not_hold_us(
        self, run_sh, tmp_path
    ):
        handler = run_sh(
            f"setsid sh -c 'echo $$ > {tmp_path}/child; exec sleep 60' & "
            f"while ! [ -s {tmp_path}/child ]; do sleep 0.01; done; echo '{{\"warnings\": 1}}'"
        )
        assert handler(make_job()) == Outcome(warnings=1)
        child = pid_in(tmp_path / "child")
        assert is_alive(child)
        os.kill(child, signal.SIGKILL)

    def test_a_process_that_left_the_group_and_writes_for_ever_does_not_hold_us(
        self, run_sh, tmp_path
    ):
        handler = run_sh(
            f"setsid sh -c 'echo $$ > {tmp_path}/child; exec yes' & "
            f"while ! [ -s {tmp_path}/child ]; do sleep 0.01; done; exit 0"
        )
        assert handler(make_job()) == Outcome()
        # Its pipe is closed now, so it ends by itself.
        wait_until(is_gone(pid_in(tmp_path / "child")), "it noticed the closed pipe")

    def test_a_process_that_left_the_group_and_keeps_stdin_unread_does_not_hold_us(
        self, run_sh, tmp_path
    ):
        handler = run_sh(
            f"setsid sh -c 'echo $$ > {tmp_path}/child; exec sleep 60' <&0 >/dev/null 2>&1 & "
            f"while ! [ -s {tmp_path}/child ]; do sleep 0.01; done; exit 0"
        )
        assert handler(make_job({"text": "x" * 2_000_000})) == Outcome()
        os.kill(pid_in(tmp_path / "child"), signal.SIGKILL)

    def test_where_the_system_cannot_tell_of_an_end_without_reaping(self, run_sh, monkeypatch):
        monkeypatch.delattr(os, "waitid")
        assert run_sh("echo '{\"warnings\": 1}'")(make_job()) == Outcome(warnings=1)
        with pytest.raises(TransientError):
            run_sh("sleep 0.1; exit 75")(make_job())

    def test_a_pipe_that_is_full_after_all_is_written_later(self, run_sh, monkeypatch):
        real, refused = os.write, []

        def write(fd, data):
            if not refused:
                refused.append(fd)
                raise BlockingIOError
            return real(fd, data)

        monkeypatch.setattr(group.os, "write", write)
        assert run_sh("cat >/dev/null; exit 0")(make_job()) == Outcome()
        assert refused

    def test_what_lies_in_the_pipes_at_the_end_is_read(self, run_sh, monkeypatch):
        def wait_for_exit(process):
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            return True

        monkeypatch.setattr(group, "_has_exited", wait_for_exit)
        handler = run_sh('echo \'{"confidence": "low"}\'; echo unused >&2')
        assert handler(make_job()) == Outcome("low")

    def test_output_closed_long_before_the_end(self, run_sh):
        with pytest.raises(TransientError):
            run_sh("exec 0<&- 1>&- 2>&-; sleep 0.2; exit 75")(make_job())

    def test_a_program_that_vanished_is_no_fault_of_the_job(self, tmp_path):
        program = tmp_path / "sync.sh"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        handler = load_handler(f"exec:{program}", timeout_s=5)
        assert handler(make_job()) == Outcome()
        program.unlink()
        with pytest.raises(TransientError, match=f"cannot be started: .*{program}"):
            handler(make_job())
        program.write_text("#!/no/such/interpreter\n")
        program.chmod(0o755)
        with pytest.raises(TransientError, match="cannot be started"):
            handler(make_job())
        handler.close()

    def test_an_attempt_leaves_no_descriptor_open(self, run_sh):
        handler = run_sh("exit 0")
        handler(make_job())
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(20):
            handler(make_job())
        assert len(list(Path("/proc/self/fd").iterdir())) == before

    def test_where_children_are_reaped_by_others_it_says_so(self):
        code = (
            "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
            "from worker.handlers.loader import load_handler\n"
            "from tests.support.handlers import make_job\n"
            "handler = load_handler('exec:true', timeout_s=5)\n"
            "try: handler(make_job())\n"
            "except Exception as error: print(type(error).__name__, error)\n"
            "handler.close()\n"
        )
        out = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert out.stdout.startswith("TransientError the exit status is lost")


class TestManyAtOnce:
    def test_several_threads_each_get_their_own_answer(self, run_sh):
        handler = run_sh(
            'read -r job; printf \'{"confidence": "%s"}\\n\' "${job#*:}" | tr -d \'\\n\' | '
            'sed \'s/: "\\([0-9]*\\).*/: "\\1"}/\''
        )
        answers = {}

        def attempt(number):
            answers[number] = handler(make_job(id=number)).confidence

        threads = [threading.Thread(target=attempt, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == {n: str(n) for n in range(12)}

    def test_stop_ends_all_that_run_and_close_waits_for_them(self, run_sh, tmp_path):
        handler = run_sh(f'read -r j; echo $$ > {tmp_path}/$$; trap "" TERM; while :; do :; done')
        errors = []

        def attempt():
            with pytest.raises(HandlerStopped) as caught:
                handler(make_job())
            errors.append(caught.value)

        threads = [threading.Thread(target=attempt) for _ in range(3)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(list(tmp_path.iterdir())) == 3, "three commands run")
        pids = [int(path.name) for path in tmp_path.iterdir()]
        handler.stop()
        handler.stop()
        handler.close()
        assert not any(is_alive(pid) for pid in pids)
        for thread in threads:
            thread.join()
        assert len(errors) == 3
        with pytest.raises(HandlerStopped, match="not begun"):
            handler(make_job())
        handler.close()


class TestTheEndOfTheWorker:
    def start_worker(self, tmp_path):
        """A worker whose command has a child; the process, and the pids of both."""
        script = (
            f"trap '' TERM INT HUP; sleep 300 & echo $! > {tmp_path}/child; "
            f"echo $$ > {tmp_path}/self; wait; sleep 300"
        )
        code = (
            "import threading\n"
            "from worker.handlers.loader import load_handler\n"
            "from tests.support.handlers import make_job\n"
            f"handler = load_handler({'exec:sh -c ' + shlex.quote(script)!r}, timeout_s=None)\n"
            # Started by a thread that is over before the command is.
            "threading.Thread(target=handler, args=(make_job(),), daemon=True).start()\n"
            "print('begun', flush=True)\n"
            "input()\n"
        )
        worker = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        return worker, pid_in(tmp_path / "child"), pid_in(tmp_path / "self")

    def end(self, worker):
        worker.stdin.close()
        worker.stdout.close()
        worker.wait()

    def test_killed_it_takes_the_whole_group_along(self, tmp_path):
        worker, child, command = self.start_worker(tmp_path)
        assert is_alive(child)
        worker.kill()
        wait_until(is_gone(command), "the command is gone")
        wait_until(is_gone(child), "its child is gone")
        self.end(worker)

    def test_ended_without_closing_it_takes_the_whole_group_along(self, tmp_path):
        worker, child, command = self.start_worker(tmp_path)
        worker.stdin.write(b"\n")
        self.end(worker)
        wait_until(is_gone(command), "the command is gone")
        wait_until(is_gone(child), "its child is gone")

    def test_a_signal_to_the_workers_group_reaches_neither_command_nor_guard(self, tmp_path):
        worker, child, command = self.start_worker(tmp_path)
        os.killpg(worker.pid, signal.SIGKILL)
        wait_until(is_gone(child), "the guard outlived its worker's group and did its work")
        wait_until(is_gone(command), "the command is gone")
        self.end(worker)


class TestWithoutAGuard:
    def test_nothing_runs_that_is_not_guarded(self, run_sh, tmp_path, monkeypatch):
        def refuse(*_):
            raise OSError(11, "no process to be had")

        monkeypatch.setattr(Guard, "watch", refuse)
        with pytest.raises(OSError, match="no process to be had"):
            run_sh(f"echo ran > {tmp_path}/ran")(make_job())
        assert not (tmp_path / "ran").exists()
