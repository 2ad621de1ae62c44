from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.handlers import make_job, wait_until
from worker.errors import (
    HandlerResultError,
    HandlerSpecError,
    HandlerStopped,
    HandlerTimeout,
    PermanentError,
    TransientError,
)
from worker.handlers import group
from worker.handlers.base import Outcome
from worker.handlers.exec import ExecHandler
from worker.handlers.group import Limits
from worker.handlers.guard import Guard
from worker.handlers.loader import load_handler

ROOT = Path(__file__).parents[4]


@pytest.fixture
def run_sh():
    """Run a shell script as a handler; every handler is closed at the end."""
    handlers = []

    def make(script, *, timeout_s=60.0, grace_s=0.2, tail_bytes=65_536):
        limits = Limits(timeout_s, grace_s, tail_bytes)
        handlers.append(ExecHandler(["/bin/sh", "-c", script], limits=limits))
        return handlers[-1]

    yield make
    for handler in handlers:
        handler.close()


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def is_gone(pid):
    return lambda: not is_alive(pid)


def pid_in(path):
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"), f"{path.name} is written")
    return int(path.read_text())


class TestWhatACommandGets:
    def test_the_job_as_one_line_of_json(self, run_sh, tmp_path):
        job = make_job({"title": "A\nB", "big": 2**80, "half": "\ud800"})
        run_sh(f"cat > {tmp_path}/in")(job)
        text = (tmp_path / "in").read_bytes()
        assert text.endswith(b"\n")
        assert text.count(b"\n") == 1
        assert json.loads(text) == {
            "id": 42,
            "kind": "metadata",
            "scene_id": 7,
            "data": {"title": "A\nB", "big": 2**80, "half": "\ud800"},
            "attempt": 1,
            "key": "scene_7",
            "enqueued_at": "2026-11-24T12:00:00.123456Z",
        }

    def test_its_arguments_as_they_were_split_and_no_shell(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        script = tmp_path / "sync one.sh"
        script.write_text('#!/bin/sh\nprintf "%s\\n" "$#" "$@" > out\n')
        script.chmod(0o755)
        handler = load_handler("exec:'./sync one.sh' 'a b' $HOME '*' ; x", timeout_s=None)
        assert handler(make_job()) == Outcome()
        handler.close()
        assert (tmp_path / "out").read_text().splitlines() == ["5", "a b", "$HOME", "*", ";", "x"]

    def test_the_environment_without_the_gates_variable(self, run_sh, tmp_path):
        run_sh(f"env > {tmp_path}/env")(make_job())
        assert "syncstats_gate" not in (tmp_path / "env").read_text()

    def test_a_group_and_a_session_of_its_own(self, run_sh, tmp_path):
        run_sh(f"cat /proc/self/stat > {tmp_path}/stat")(make_job())
        group, session = (tmp_path / "stat").read_text().rpartition(")")[2].split()[2:4]
        assert int(group) != os.getpgrp()
        assert session == group

    def test_a_large_job_while_it_writes_much_itself(self, run_sh):
        job = make_job({"text": "x" * 2_000_000})
        assert run_sh("cat; cat /dev/null >&2; echo; echo low >&2")(job) == Outcome()

    def test_closing_stdin_early_is_its_own_affair(self, run_sh):
        job = make_job({"text": "x" * 2_000_000})
        assert run_sh("exec 0<&-; sleep 0.1; exit 0")(job) == Outcome()


class TestWhatACommandSays:
    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            ("", Outcome()),
            ("done", Outcome()),
            ("[1]", Outcome()),
            ('{"confidence": "low"}', Outcome("low")),
            ('{"confidence": "low"}\n\n  \n', Outcome("low")),
            ('{"confidence": "low"}\nlast', Outcome()),
            ('x\n  {"skipped": true, "warnings": 2, "other": [1]}\r\n', Outcome("high", 2, True)),
            ('{"confidence": null, "error_type": "X", "retry_after_s": "x"}', Outcome()),
            ('{"confidence": "low"', Outcome()),
            ("{" * 100_000, Outcome()),
            ('{"a":' * 5_000 + "1" + "}" * 5_000, Outcome()),
        ],
    )
    def test_the_last_line_of_stdout(self, run_sh, tmp_path, said, outcome):
        (tmp_path / "said").write_text(said)
        assert run_sh(f"cat {tmp_path}/said")(make_job()) == outcome

    @pytest.mark.parametrize("answer", ['{"confidence": 1}', '{"warnings": -1}', '{"skipped": 1}'])
    def test_a_value_of_the_wrong_type_is_a_failure_that_names_it(self, run_sh, answer):
        name = answer.split('"')[1]
        with pytest.raises(HandlerResultError, match=f"stdout: {name} "):
            run_sh(f"echo {shlex.quote(answer)}")(make_job())

    def test_status_75_means_try_again_with_the_last_line_of_stderr(self, run_sh):
        with pytest.raises(TransientError) as caught:
            run_sh("echo trace >&2; echo ' server is busy ' >&2; echo >&2; exit 75")(make_job())
        assert str(caught.value) == "server is busy"
        assert caught.value.error_type is None
        assert caught.value.retry_after_s is None

    def test_hints_for_a_retry(self, run_sh):
        answer = '{"error_type": " PlexNotFound ", "retry_after_s": 12.5, "confidence": 3}'
        with pytest.raises(TransientError) as caught:
            run_sh(f"echo '{answer}'; exit 75")(make_job())
        assert (caught.value.error_type, caught.value.retry_after_s) == ("PlexNotFound", 12.5)

    @pytest.mark.parametrize("status", [1, 2, 76, 126, 127, 137, 255])
    def test_any_other_status_is_permanent(self, run_sh, status):
        with pytest.raises(PermanentError, match=f"exit status {status}, and nothing on stderr"):
            run_sh(f"exit {status}")(make_job())

    def test_a_permanent_error_may_be_named(self, run_sh):
        with pytest.raises(PermanentError, match="no rights") as caught:
            run_sh('echo \'{"error_type": "Forbidden"}\'; echo no rights >&2; exit 1')(make_job())
        assert caught.value.error_type == "Forbidden"

    @pytest.mark.parametrize("name", ['""', "3", "null"])
    def test_an_error_type_that_is_no_name_is_ignored(self, run_sh, name):
        with pytest.raises(PermanentError) as caught:
            run_sh(f"echo '{{\"error_type\": {name}}}'; exit 1")(make_job())
        assert caught.value.error_type is None

    def test_killed_by_a_signal_means_try_again(self, run_sh):
        with pytest.raises(TransientError, match=r"^killed by SIGKILL$"):
            run_sh("kill -KILL $$")(make_job())
        with pytest.raises(TransientError, match=r"^killed by SIGSEGV: at 0x0$"):
            run_sh("echo at 0x0 >&2; kill -SEGV $$")(make_job())
        with pytest.raises(TransientError, match=r"^killed by signal 40$"):
            run_sh("kill -40 $$")(make_job())

    def test_bytes_that_are_no_utf_8_are_shown_as_far_as_can_be(self, run_sh):
        with pytest.raises(PermanentError, match=r"^caf\ufffd$"):
            run_sh("printf 'caf\\351\\n' >&2; exit 1")(make_job())

    def test_only_the_end_of_much_output_is_kept(self, run_sh):
        script = 'yes 123456789 | head -c 5000000; echo \'{"confidence": "low"}\''
        handler = run_sh(f"{script}; {script} >&2; exit 0", tail_bytes=100)
        assert handler(make_job()) == Outcome()
        assert run_sh(script, tail_bytes=100)(make_job()) == Outcome("low")

    def test_half_a_word_at_the_cut_is_not_kept_for_it_may_be_a_secret(self, run_sh):
        script = "printf 'X-Plex-Token=%060d&page=1 %050d' 7 8 >&2; exit 1"
        with pytest.raises(PermanentError, match=rf"^&page=1 {'0' * 49}8$"):
            run_sh(script, tail_bytes=80)(make_job())

    def test_one_long_word_is_not_kept_at_all(self, run_sh):
        with pytest.raises(PermanentError, match=r"^exit status 1, and nothing on stderr$"):
            run_sh("printf '%0200d' 7 >&2; exit 1", tail_bytes=80)(make_job())

    def test_an_answer_longer_than_what_is_kept_is_none(self, run_sh):
        answer = '{"confidence": "low", "x": "' + "x" * 500 + '"}'
        assert run_sh(f"echo '{answer}'", tail_bytes=100)(make_job()) == Outcome()


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

    def test_ten_thousand_descriptors_are_not_needed(self, run_sh):
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


class TestSpecs:
    def refused(self, spec):
        with pytest.raises(HandlerSpecError) as caught:
            load_handler(spec, timeout_s=None)
        assert repr(spec) in str(caught.value)
        return str(caught.value)

    def test_looked_up_in_path_and_never_in_the_current_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "sync-it").write_text("#!/bin/sh\n")
        (tmp_path / "sync-it").chmod(0o755)
        assert "write ./sync-it" in self.refused("exec:sync-it")
        monkeypatch.setenv("PATH", f"/nowhere:{tmp_path}")
        handler = load_handler("exec:sync-it", timeout_s=None)
        assert handler.enforces_timeout
        assert handler.ending_s == Limits(None).grace_s
        handler.close()

    def test_a_relative_path_stays_the_same_program(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "sync.sh").write_text('#!/bin/sh\necho \'{"confidence": "low"}\'\n')
        (tmp_path / "sync.sh").chmod(0o755)
        handler = load_handler("exec:./sync.sh", timeout_s=5)
        monkeypatch.chdir("/")
        assert handler(make_job()) == Outcome("low")
        handler.close()

    def test_what_cannot_be_run_says_why(self, tmp_path):
        (tmp_path / "plain").write_text("")
        assert "chmod +x" in self.refused(f"exec:{tmp_path}/plain")
        assert "is a folder" in self.refused(f"exec:{tmp_path}")
        assert "no shell" in self.refused("exec:~/sync.sh")
        assert "no shell" in self.refused("exec:A=1 ./sync.sh")
        assert "in PATH" in self.refused("exec:no-such-program-here")
        assert "check its name" in self.refused("exec:./no-such-program")
        assert "quotes" in self.refused("exec:sh -c 'x")
        assert "name a program" in self.refused("exec:'' x")
