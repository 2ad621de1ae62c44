"""What was done is not undone by an answer that cannot be printed: the status must not say so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sync_queue.queue import JobQueue

PROGRAM = f"{sys.executable} -m projections.cli.main"


def shell(line, cwd, stdin=""):
    return subprocess.run(
        ["sh", "-c", line], cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
@pytest.mark.parametrize("options", ["", " --json"])
def test_enqueue_says_on_stderr_that_the_jobs_were_added(tmp_path, where, options):
    done = shell(f"{PROGRAM} enqueue -{options} {where}", tmp_path, '{"scene_id": 1}\n')

    assert done.returncode == 0
    assert done.stderr.startswith("syncstats: 1 job added to data, but the answer")
    assert done.stderr.count("\n") == 1
    with JobQueue(tmp_path / "data") as queue:
        assert queue.counts().due == 1


@pytest.mark.parametrize("where", [">/dev/full", ">&-"])
def test_pause_and_resume_likewise(tmp_path, where):
    with JobQueue(tmp_path / "data") as queue:
        paused = shell(f"{PROGRAM} pause {where}", tmp_path)
        assert (paused.returncode, queue.is_paused()) == (0, True)
        assert "data is paused, but the answer" in paused.stderr

        resumed = shell(f"{PROGRAM} resume {where}", tmp_path)
        assert (resumed.returncode, queue.is_paused()) == (0, False)


def test_an_answer_that_is_all_that_was_asked_for_is_an_error(tmp_path):
    with JobQueue(tmp_path / "data"):
        shown = shell(f"{PROGRAM} show >/dev/full", tmp_path)

    assert shown.returncode == 2
    assert "standard output" in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_an_error_never_goes_to_standard_output(tmp_path):
    done = shell(f"{PROGRAM} show --json --data nowhere 2>&-", tmp_path)

    assert (done.returncode, done.stdout) == (2, "")


def test_no_secret_of_a_handlers_spec_is_shown(tmp_path):
    done = shell(f"{PROGRAM} run --handler 'exec:nosuch --token SECRETZ'", tmp_path)

    assert done.returncode == 2
    assert "SECRETZ" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", ["replay ../log.jsonl", "merge ../stats.json"])
def test_a_data_folders_own_stats_are_not_written_over(tmp_path, command):
    line = (
        '{"event":"job.succeeded","stream":"a","seq":0,"timestamp":"2026-01-01T00:00:00Z",'
        '"duration_ns":1}\n'
    )
    (tmp_path / "log.jsonl").write_text(line)
    shell(f"{PROGRAM} replay log.jsonl --out stats.json", tmp_path)
    with JobQueue(tmp_path / "data"):
        done = shell(f"{PROGRAM} {command} --out stats.json", tmp_path / "data")
        elsewhere = shell(f"{PROGRAM} {command} --out other.json", tmp_path / "data")
        nowhere = shell(f"{PROGRAM} {command} --out no/other.json", tmp_path / "data")

    assert done.returncode == 2
    assert "belongs to the data folder" in done.stderr
    assert not (tmp_path / "data" / "stats.json").exists()
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert (tmp_path / "data" / "other.json").exists()
    assert nowhere.returncode == 2
    assert "no/other.json cannot be written: No such file or directory" in nowhere.stderr


def test_a_reader_that_has_gone_is_told_as_such(tmp_path):
    line = '{"event":"x","timestamp":"2026-01-01T00:00:00Z"}\n' * 3
    done = shell(f"({PROGRAM} tail - ; echo $? >&2) | true", tmp_path, line)

    assert done.stderr == "141\n"


@pytest.mark.parametrize("command", ["merge /dev/zero", "show --config /dev/zero"])
def test_a_file_without_end_is_refused_in_bounded_memory(tmp_path, command):
    done = shell(f"ulimit -v 3000000; {PROGRAM} {command}", tmp_path)

    assert done.returncode == 2
    assert "larger than" in done.stderr
