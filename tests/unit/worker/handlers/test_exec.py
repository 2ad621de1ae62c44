"""What a command gets, what it says, and which ones are refused."""

from __future__ import annotations

import json
import os
import shlex

import pytest

from tests.support.handlers import make_job
from worker.errors import (
    HandlerResultError,
    HandlerSpecError,
    PermanentError,
    TransientError,
)
from worker.handlers.base import Outcome
from worker.handlers.group import Limits
from worker.handlers.loader import load_handler


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
