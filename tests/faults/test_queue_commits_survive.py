"""Processes that use one queue are killed in the middle of it, again and again.

Each writes down what it is about to end, and, after a call has returned, what the call promised.
"""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

from sync_queue.jobs import Ending
from sync_queue.queue import JobQueue
from tests.support.handlers import wait_until
from tests.support.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 20
PROGRAM = """
import itertools, os, sys
from sync_queue.jobs import Ending, NewJob
from sync_queue.queue import JobQueue

folder, answers, stream = sys.argv[1:]
acknowledged = os.open(answers, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def answer(what, job_id):
    os.write(acknowledged, f"{what} {job_id}\\n".encode())

with JobQueue(folder) as queue:
    for seq in itertools.count():
        for _ in range(2):
            answer("added", queue.enqueue(NewJob(1)))
        for job in queue.claim(stream, seq, 1):
            answer("ending", job.id)
            queue.apply(stream, [Ending(job.id, job.attempt, seq)])
            answer("ended", job.id)
"""


def acknowledged(path: Path) -> dict[str, set[int]]:
    """What whole lines say."""
    told: dict[str, set[int]] = {"added": set(), "ending": set(), "ended": set()}
    for line in path.read_text().splitlines(keepends=True) if path.exists() else []:
        what, job_id = line.split()
        assert line.endswith("\n")
        told[what].add(int(job_id))
    return told


def jobs_in(data: Path) -> set[int]:
    """The ids of all jobs that have not ended, leased ones too; they end here."""
    with JobQueue(data) as queue:
        for stream in queue.leased_streams():
            queue.release_lost(stream)
        found: set[int] = set()
        jobs = queue.claim("test", 0, 1000)
        while jobs:  # one by one, where a worker died of it
            found.update(job.id for job in jobs)
            endings = [Ending(job.id, job.attempt, 0) for job in jobs]
            jobs = queue.apply("test", endings, claim=1000)
        return found


def test_every_acknowledged_commit_is_there_after_each_kill(tmp_path):
    data, answers = tmp_path / "data", tmp_path / "answers"
    rng = random.Random(20)
    for kill in range(KILLS):
        before = answers.stat().st_size if answers.exists() else 0
        more = rng.randrange(1, 400)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, data, answers, f"stream-{kill}-{number}"],
                cwd=ROOT,
            )
            for number in range(2)
        ]
        try:
            wait_until(
                lambda goal=before + more: answers.exists() and answers.stat().st_size >= goal,
                "enough was acknowledged",
                60,
            )
            assert [process.poll() for process in processes] == [None, None]
        finally:
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()

    told = acknowledged(answers)
    there = jobs_in(data)
    assert len(told["ended"]) > KILLS
    assert not told["added"] - told["ending"] - there, "added jobs are gone"
    assert not told["ended"] & there, "ended jobs are back"
