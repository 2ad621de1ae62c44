"""Ten processes at one queue, which begin at once on a folder that is not there yet."""

from __future__ import annotations

import json
import subprocess
import sys

from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import QueueCounts
from sync_queue.queue import JobQueue
from tests.support.command import syncstats
from tests.support.project import ROOT
from tests.support.queue_program import SHARED_KEYS

ADDERS, EACH = 8, 100


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.queue_program", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    out, err = process.communicate(timeout=120)
    assert err == ""  # no "database is locked", nor anything else
    assert process.returncode == 0
    return json.loads(out)


def test_every_job_ends_once(tmp_path):
    data, marker = tmp_path / "data", tmp_path / "all added"
    adders = [start("enqueue", data, number * EACH, EACH) for number in range(ADDERS)]
    workers = [start("work", data, f"stream-{number}", marker) for number in range(2)]
    added = [answer(process) for process in adders]
    marker.touch()
    done = [answer(process) for process in workers]

    total = ADDERS * EACH // 2 + sum(one["added"] for one in added)
    assert sum(one["added"] + one["already_waiting"] for one in added) == ADDERS * (
        EACH // 2 + SHARED_KEYS
    )
    ended = [job for one in done for job in one["ended"]]
    failed = [job for one in done for job in one["failed"]]
    assert len(ended) == len(set(ended)) == total
    assert set(failed) < set(ended)
    assert len(failed) == len(set(failed)) > ADDERS * EACH // 4
    with JobQueue(data) as queue:
        assert queue.counts() == QueueCounts(0, 0, None, 0, paused=False)


def test_twelve_writers_keep_no_command_waiting_in_vain(tmp_path):
    data = tmp_path / "data"
    DeadLetterQueue(data).add({"scene_id": 1}, ValueError("bad"), 1)
    adders = [start("enqueue", data, number * EACH, EACH) for number in range(12)]
    rounds = 0
    while not rounds or any(process.poll() is None for process in adders):
        rounds += 1
        for call in (["show", "--json"], ["dlq", "list"], ["pause"], ["resume"]):
            ran = syncstats(*call, "--data", data, cwd=tmp_path)
            assert (ran.status, ran.err) == (0, "")
    for process in adders:
        answer(process)
