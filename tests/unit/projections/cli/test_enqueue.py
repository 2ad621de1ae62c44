from __future__ import annotations

import json
import stat

import pytest

from projections.cli.main import main
from sync_queue.queue import JobQueue

JOBS = '{"scene_id":1,"job_key":"k"}\n{"scene_id":2}\n'


def due(data):
    with JobQueue(data) as queue:
        return queue.counts().due


def test_from_a_file(syncstats, tmp_path):
    (tmp_path / "jobs.jsonl").write_text(JOBS)
    ran = syncstats("enqueue", "jobs.jsonl")
    assert (ran.status, ran.out, ran.err) == (0, "Added 2 jobs to data.\n", "")
    assert due(tmp_path / "data") == 2


def test_from_standard_input(syncstats, tmp_path):
    assert syncstats("enqueue", "-", "--data", "d", stdin=JOBS).status == 0
    assert due(tmp_path / "d") == 2


def test_the_folder_is_made_for_its_owner_alone(syncstats, tmp_path):
    syncstats("enqueue", "-", stdin=JOBS)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "queue.db").stat().st_mode) == 0o600


def test_waiting_keys_are_told(syncstats):
    syncstats("enqueue", "-", stdin=JOBS)
    assert syncstats("enqueue", "-", stdin=JOBS).out == (
        "Added 1 job to data.\n1 was not added: a job of that job_key waits.\n"
    )
    twice = '{"job_key":"k"}\n{"job_key":"k"}\n'
    assert "2 were not added" in syncstats("enqueue", "-", stdin=twice).out


def test_json(syncstats):
    syncstats("enqueue", "-", stdin=JOBS)
    ran = syncstats("enqueue", "-", "--json", stdin=JOBS)
    assert ran.json == {"added": 1, "already_waiting": 1}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("nonsense", "not JSON"),
        ('{"scene_id":"7"}', "scene_id"),
        ('{"scene":7}', "'scene'"),
        ("\x1b[2J", "not JSON"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_added(line, what, syncstats, tmp_path):
    (tmp_path / "jobs.jsonl").write_text(JOBS + line + "\n" + JOBS)
    ran = syncstats("enqueue", "jobs.jsonl", "--json")
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.startswith("syncstats: jobs.jsonl: line 3: ")
    assert what in ran.err
    assert "nothing was added" in ran.err
    assert ran.err.count("\n") == 1
    assert "\x1b" not in ran.err
    assert due(tmp_path / "data") == 0


def test_a_missing_file_makes_no_folder(syncstats, tmp_path):
    ran = syncstats("enqueue", "none.jsonl")
    assert ran.status == 2
    assert ran.err == (
        "syncstats: none.jsonl cannot be read: No such file or directory; name a file of JSON "
        "Lines, or - for standard input\n"
    )
    assert not (tmp_path / "data").exists()


def test_closed_standard_input(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", None)
    assert main(["enqueue", "-"]) == 2
    assert not (tmp_path / "data").exists()


def test_data_reaches_the_queue_unchanged(syncstats, tmp_path):
    odd = {"n": 2**70, "s": "\ud800\u2028"}
    syncstats("enqueue", "-", stdin=json.dumps({"data": odd}))
    with JobQueue(tmp_path / "data") as queue:
        (job,) = queue.claim("a", 0, 1)
    assert job.payload() == odd
