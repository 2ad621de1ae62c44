"""A data folder in plain dicts: jobs, log lines, dead letters.

It follows the real folder step by step: for each call that took effect it is told which, and works
out by itself what that has changed. What must hold of it then is said in
`tests.support.whole.truth`.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.support.whole.records import MAX_LOSSES, Job, Outcome, Written, outcome_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sync_queue.jobs import LeasedJob

_uids = itertools.count()
_eras = itertools.count(1)


@dataclass
class Folder:
    """All of a data folder that matters.

    Attributes:
        jobs: Those that have not ended, by id.
        keys: The key of every job that this queue was told to do.
        ended: The line that ended each of the others.
        dropped: Those that a newer one of their key has replaced.
        logs: The whole lines of each stream, also of segments that were pruned.
        letters: Dead letters by the stream and seq of their outcome: the job, and its key.
        deleted: Those that were retried or purged.
        unlettered: Dead ends whose letters went with a file that was put back.
        marks: The dead letters that `queue.db` knows to be enqueued again, by their marks.
        heard: The next seq of each stream, by what the queue has heard of it.
        era: A queue that was lost, or put back by itself, begins another one.
        gone: Ended jobs of whose ends the log tells no more, since an older one was put back.
        names: The queue that each stream's last opening names.
    """

    paused: bool = False
    jobs: dict[int, Job] = field(default_factory=dict)
    keys: dict[int, str | None] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    logs: dict[str, list[Written]] = field(default_factory=dict)
    letters: dict[tuple[str, int], tuple[int, str | None]] = field(default_factory=dict)
    deleted: set[tuple[str, int]] = field(default_factory=set)
    unlettered: set[tuple[str, int]] = field(default_factory=set)
    marks: dict[str, int] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    era: int = field(default_factory=lambda: next(_eras))
    gone: set[int] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)

    # Jobs

    def key_waits(self, key: str | None) -> bool:
        return key is not None and any(
            job.key == key for job in self.jobs.values() if job.stream is None
        )

    def add(self, job_id: int, key: str | None, due: int) -> None:
        assert job_id not in self.keys, f"the id {job_id} was given before"
        assert not self.key_waits(key)
        self.keys[job_id] = key
        self.jobs[job_id] = Job(job_id, key, due)

    def held(self, stream: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.stream == stream]

    def leased_streams(self) -> set[str]:
        return {job.stream for job in self.jobs.values() if job.stream is not None}

    def claimed(
        self, stream: str, next_seq: int, limit: int, now: int, got: Sequence[LeasedJob]
    ) -> None:
        """Lease what the queue has given, which must be what it may and has to give."""
        due = {job.id for job in self.jobs.values() if job.stream is None and job.due <= now}
        held = self.held(stream)
        assert len(got) <= max(limit, 0)
        for leased in got:
            job = self.jobs[leased.id]
            assert leased.id in due, "claimed though it does not wait"
            assert (leased.attempt, leased.losses) == (job.attempt + 1, job.losses)
            self.jobs[leased.id] = replace(
                job, attempt=job.attempt + 1, stream=stream, lease_seq=next_seq
            )
        if any(job.losses for job in [*held, *(self.jobs[each.id] for each in got)]):
            assert not got or len(got) + len(held) == 1, "a job whose worker died runs alone"
        elif due and limit > 0 and not self.paused and not got:
            first = min((self.jobs[each] for each in due), key=lambda job: (job.due, job.id))
            assert first.losses, "there was something to claim"
        assert not (got and self.paused)

    def _let_wait(self, job: Job) -> None:
        """Make it wait, or drop it where its key waits again."""
        if self.key_waits(job.key):
            del self.jobs[job.id]
            self.dropped.add(job.id)
        else:
            self.jobs[job.id] = replace(job, stream=None, lease_seq=None)

    def release(
        self, stream: str, leases: Iterable[tuple[int, int]], *, attempts: int = 0, losses: int = 0
    ) -> None:
        for job_id, attempt in sorted(leases, reverse=True):
            job = self.jobs.get(job_id)
            if job is not None and (job.stream, job.attempt) == (stream, attempt):
                self._let_wait(replace(job, attempt=attempt - attempts, losses=job.losses + losses))

    def unseen(self, stream: str) -> list[Written]:
        """What the log says of jobs that the stream still holds, in the log's order."""
        found = []
        for line in self.logs.get(stream, []):
            job = self.jobs.get(line.outcome.job_id) if line.outcome else None
            if (
                job is not None
                and line.outcome is not None
                and job.lease_seq is not None
                and (job.stream, job.attempt) == (stream, line.outcome.attempt)
                and line.seq >= job.lease_seq
            ):
                found.append(line)
        return found

    def apply(self, stream: str) -> None:
        """Let the queue hear of all that the stream's log says."""
        retries = []
        for line in self.unseen(stream):
            assert line.outcome is not None
            self.heard[stream] = max(self.heard.get(stream, 0), line.seq + 1)
            if line.outcome.is_end:
                del self.jobs[line.outcome.job_id]
                self.ended[line.outcome.job_id] = line.uid
            else:
                retries.append(line.outcome)
        for outcome in sorted(retries, key=lambda each: -each.job_id):
            job = self.jobs[outcome.job_id]
            self._let_wait(
                replace(
                    job,
                    due=outcome.retry_at_us or 0,
                    losses=0,
                    failures=job.failures + (not outcome.not_found),
                    not_found=job.not_found + outcome.not_found,
                )
            )

    def move(self, job_id: int, stream: str, next_seq: int) -> Job:
        job = self.jobs[job_id]
        assert job.losses + 1 >= MAX_LOSSES
        self.jobs[job_id] = replace(job, stream=stream, lease_seq=next_seq)
        return job

    # Files that are lost, or put back by themselves

    def take_queue(self, other: Folder) -> None:
        """``queue.db`` is that of another state; a new one for one that was lost."""
        for stream in self.leased_streams():  # of these ends nobody hears any more
            self.unlettered |= {
                (stream, line.seq)
                for line in self.unseen(stream)
                if line.outcome is not None and line.outcome.to_dlq
            }
        self.paused = other.paused
        self.jobs = dict(other.jobs)
        self.keys = dict(other.keys)
        self.ended = dict(other.ended)
        self.dropped = set(other.dropped)
        self.marks = dict(other.marks)
        self.heard = dict(other.heard)
        self.gone = set(other.gone)
        self.era = next(_eras)
        self._miss()

    def take_log(self, other: Folder) -> None:
        """The log is that of an older state."""
        self.logs = {stream: list(lines) for stream, lines in other.logs.items()}
        self.names = dict(other.names)
        self._miss()

    def take_letters(self, other: Folder) -> None:
        """``dlq.db`` is that of another state; a new one for one that was lost."""
        self.letters = dict(other.letters)
        self.deleted = set(other.deleted)
        known = self.letters.keys() | self.deleted
        self.unlettered = {
            (stream, line.seq)
            for stream, lines in self.logs.items()
            for line in lines
            if line.outcome is not None and line.outcome.to_dlq
        } - known

    def _miss(self) -> None:
        there = {line.uid for lines in self.logs.values() for line in lines}
        self.gone |= {job for job, line in self.ended.items() if line not in there}

    # The log

    def next_seq(self, stream: str) -> int:
        lines = self.logs.get(stream)
        return lines[-1].seq + 1 if lines else 0

    def write(
        self, stream: str, segment: str, begin: int, data: bytes, staged: list[Outcome] | None
    ) -> None:
        """Take whole lines that were written: they must be those that were staged.

        Lines that were written before, and are again, stand where they are written last.

        Args:
            stream: Whose they are.
            segment: Name of the file.
            begin: Where in the file they begin.
            data: The lines.
            staged: What was to be written, in this order; it is emptied. None: anything.
        """
        lines = self.logs.setdefault(stream, [])
        places = {line.seq: place for place, line in enumerate(lines)}
        end = begin
        for text in data.splitlines(keepends=True):
            end += len(text)
            line = json.loads(text)
            assert line["stream"] == stream
            place = places.get(line["seq"])
            if place is None:
                outcome = self._outcome(stream, line, staged)
                uid = next(_uids)
                lines.append(Written(uid, line["seq"], line["event"], segment, end, outcome))
                continue
            known = lines[place]
            assert known.event == line["event"], "one number, two events"
            assert known.outcome is None or known.outcome.same(line), "one number, two events"
            lines[place] = replace(known, segment=segment, end=end)

    def _outcome(
        self, stream: str, line: dict[str, Any], staged: list[Outcome] | None
    ) -> Outcome | None:
        """What a new line of a log says; it must come next, and have been staged."""
        assert line["seq"] == self.next_seq(stream)
        assert line["seq"] >= self.heard.get(stream, 0), "a number is given again"
        if line["event"] == "stream.opened":
            self.names[stream] = line["queue_id"]
        if not line["event"].startswith("job."):
            return None
        outcome = outcome_of(line)
        if staged is not None:
            assert staged, f"nothing was recorded, but the log says {line}"
            outcome = staged.pop(0)
            assert outcome.same(line), f"{outcome} was recorded as {line}"
        return replace(outcome, queue_id=self.names[stream], era=self.era)

    def cut(self, stream: str, segment: str, size: int) -> None:
        """The end of a segment is gone."""
        lines = self.logs.get(stream, [])
        self.logs[stream] = [line for line in lines if line.segment != segment or line.end <= size]

    def outcomes(self, stream: str | None = None) -> list[Outcome]:
        logs = self.logs.values() if stream is None else [self.logs.get(stream, [])]
        return [line.outcome for lines in logs for line in lines if line.outcome is not None]

    def histories(self) -> dict[str, tuple[Written, ...]]:
        """The lines of each stream that has any."""
        return {stream: tuple(lines) for stream, lines in self.logs.items() if lines}

    # Dead letters

    def insert(self, stream: str, seq: int) -> None:
        dead = [line for line in self.logs.get(stream, []) if line.seq == seq]
        assert dead, f"a dead letter of {stream} {seq}, which is not in the log"
        (line,) = dead
        assert line.outcome is not None
        assert line.outcome.to_dlq
        if (stream, seq) not in self.deleted:
            job_id = line.outcome.job_id
            self.letters[stream, seq] = job_id, self.keys.get(job_id)
