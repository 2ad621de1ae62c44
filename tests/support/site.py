"""A folder in which workers run as processes, and what must be true of it when they have ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess

from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support import worked_jobs
from tests.support.command import COMMAND, clean_env, syncstats
from tests.support.workers import ends_of, events_of, repeated_attempts

HANDLER = "tests.support.worked_jobs:handle"
QUICK = (
    *("--retry-base", "0.01", "--retry-cap", "0.02"),
    *("--not-found-base", "0.01", "--not-found-cap", "0.02", "--not-found-tries", "3"),
    *("--breaker-failures", "10000"),
)
END_S = 60


class Site:
    """A folder in which workers run: the data folder, and what the handler leaves."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "D"
        self.processes: list[subprocess.Popen[str]] = []

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # a tool before it, too
            process.communicate()

    def enqueue(self, *whats, **fields):
        with JobQueue(self.data) as queue:
            queue.enqueue_many(NewJob(7, data={"do": what}, **fields) for what in whats)

    def begin(self, *args, before=(), program=COMMAND, env=None, **popen):
        """Start a worker; ``before``: a command that runs it; ``program``: stands for ours."""
        process = subprocess.Popen(
            [*before, *program, "run", "--handler", HANDLER, "--data", "D", *QUICK, *args],
            cwd=self.folder,
            env=clean_env(**env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **popen,
        )
        self.processes.append(process)
        return process

    def run(self, *args, **popen):
        """Run a worker to its end: status, stdout, stderr."""
        process = self.begin(*args, **popen)
        out, err = process.communicate(timeout=END_S)
        return process.returncode, out, err

    def truth(self):
        """(job, attempt) to what was done, by the handler's own record."""
        attempts = {}
        for line in (self.folder / worked_jobs.TRUTH).read_text().splitlines():
            job, attempt, what = line.split(" ", 2)
            key = int(job), int(attempt)
            assert key not in attempts, f"attempt {key} ran twice"
            attempts[key] = what
        return attempts

    def outcomes(self):
        return [event for event in events_of(self.data) if event["event"].startswith("job.")]

    def counts(self):
        with JobQueue(self.data) as queue:
            return queue.counts()

    def assert_whole(self, jobs):
        """Every job has one end, every attempt one outcome, all views agree."""
        ends = ends_of(self.data)
        assert sorted(ends) == list(range(1, jobs + 1))
        assert {len(each) for each in ends.values()} == {1}
        assert repeated_attempts(self.data) == []
        dead = {
            (event["stream"], event["seq"], event["job_id"])
            for event in self.outcomes()
            if event.get("to_dlq")
        }
        letters = DeadLetterQueue(self.data).list()
        assert {(each.stream, each.seq, each.job_id) for each in letters} == dead
        assert len(letters) == len(dead)
        counts = self.counts()
        assert (counts.due, counts.scheduled, counts.leased) == (0, 0, 0)
        self.assert_of_one_age()
        verified = syncstats("verify", "--data", "D", cwd=self.folder)
        assert verified.status == 0, verified
        kept = (self.data / "stats.json").read_bytes()
        (self.data / "stats.json").unlink()
        assert syncstats("rebuild", "--data", "D", cwd=self.folder).status == 0
        assert (self.data / "stats.json").read_bytes() == kept
        stats = json.loads(kept)
        succeeded = sum(each == ["job.succeeded"] for each in ends.values())
        assert stats["jobs_succeeded"] == succeeded
        assert stats["jobs_to_dlq"] == len(dead)
        assert stats["jobs_processed"] + stats["jobs_skipped"] == len(self.outcomes())
        return stats

    def assert_of_one_age(self):
        """No worker took a file of the data folder for older than the others."""
        openings = [event for event in events_of(self.data) if event["event"] == "stream.opened"]
        assert len({event["queue_id"] for event in openings}) == 1
        with JobQueue(self.data) as queue:
            assert not queue.companions.letters().behind
            known = queue.companions.streams().values()
            assert {stream.told_end for stream in known} == {None}

    def assert_nothing_ran_unrecorded(self, but):
        """What the handler did is what the log says, but for so many attempts of killed workers."""
        truth = self.truth()
        lost = {(e["job_id"], e["attempt"]) for e in self.outcomes() if _is_lost(e)}
        logged = {(e["job_id"], e["attempt"]) for e in self.outcomes()} - lost
        assert logged <= truth.keys()
        assert len(truth.keys() - logged) <= but


def _is_lost(event):
    return event.get("error_type") == "WorkerLost"
