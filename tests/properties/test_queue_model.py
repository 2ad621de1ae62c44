"""The queue against plain dicts: any order of calls, by several streams, with stale ones."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sync_queue.companions import KnownStream
from sync_queue.jobs import Ending, LeasedJob, NewJob, QueueCounts
from sync_queue.queue import JobQueue
from tests.support.held_clock import HeldClock

STREAMS = ["a", "b", "c"]
KEYS = st.sampled_from([None, "k", "k", "l"])
DELAYS = st.sampled_from([0, -1, 1, 3])
IN_MEMORY = Path("/dev/shm")  # what is kept after a crash is not asked here, and syncs are slow
POLICIES = st.sampled_from(["transient", "not_found"])


@dataclass(frozen=True)
class Row:
    """A job of the model."""

    id: int
    kind: str
    key: str | None
    due: int
    since: int
    attempt: int = 0
    failures: int = 0
    not_found: int = 0
    losses: int = 0
    stream: str | None = None
    seq: int = 0

    def leased(self) -> LeasedJob:
        return LeasedJob(
            self.id,
            self.kind,
            None,
            f'"{self.kind}"',
            self.key,
            self.attempt,
            self.since,
            self.due,
            self.failures,
            self.not_found,
            self.losses,
            self.seq,
        )


class QueueModel(RuleBasedStateMachine):
    """Every rule does the same to the queue and to the model, and compares the answers."""

    @initialize()
    def begin(self):
        self.folder = tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self.clock = HeldClock(1000)
        self.queue = JobQueue(self.folder, clock=self.clock)
        self.rows: dict[int, Row] = {}
        self.last_id = 0
        self.paused = False
        self.next_seq = dict.fromkeys(STREAMS, 10)
        self.known: dict[str, KnownStream] = {}
        for key in (None, "k", None):
            self.enqueue_many([key])
        self.history: list[tuple[str, int, int, int]] = []  # stream, id, attempt, lease_seq

    # What the model does

    def waiting(self):
        return [row for row in self.rows.values() if row.stream is None]

    def held(self, stream):
        return [row for row in self.rows.values() if row.stream == stream]

    def key_waits(self, key):
        return key is not None and any(row.key == key for row in self.waiting())

    def add(self, job):
        """Add ``job`` after the queue has: the id is the queue's to choose, but a higher one."""
        if self.key_waits(job.job_key):
            return None
        with self.queue._database.read() as connection:
            statement = "SELECT min(id) FROM jobs WHERE id > ?"
            (self.last_id,) = connection.execute(statement, (self.last_id,)).fetchone()
        now = self.clock.us
        due = now if job.due_at_us is None else job.due_at_us
        self.rows[self.last_id] = Row(self.last_id, job.kind, job.job_key, due, now)
        return self.last_id

    def lease_of(self, stream, job_id, attempt):
        row = self.rows.get(job_id)
        return row if row and (row.stream, row.attempt) == (stream, attempt) else None

    def let_wait(self, row):
        """Make ``row`` wait, or drop it when its key waits again."""
        if self.key_waits(row.key):
            del self.rows[row.id]
        else:
            self.rows[row.id] = replace(row, stream=None)

    def take(self, stream, limit):
        held = self.held(stream)
        due = sorted(
            (row for row in self.waiting() if row.due <= self.clock.us),
            key=lambda row: (row.due, row.id),
        )
        if self.paused or any(row.losses for row in held):
            return []
        taken = []
        for row in due[:limit]:
            if row.losses:
                if not taken and not held:
                    taken.append(row)
                break
            taken.append(row)
        leased = []
        for row in taken:
            row = replace(  # noqa: PLW2901 - the same job, leased
                row, attempt=row.attempt + 1, stream=stream, seq=self.next_seq[stream]
            )
            self.rows[row.id] = row
            self.history.append((stream, row.id, row.attempt, row.seq))
            leased.append(row.leased())
        return leased

    def some_stream(self):
        """Mostly one that holds something."""
        holding = [stream for stream in STREAMS if self.held(stream)]
        return st.sampled_from(holding * 3 + STREAMS)

    def some_leases(self, stream):
        """Mostly those that ``stream`` holds, and now and then one of another time or stream."""
        held = [(stream, row.id, row.attempt, row.seq) for row in self.held(stream)]
        return st.lists(st.sampled_from(held * 5 + self.history[-10:]), min_size=1, max_size=6)

    # What is done to both

    @rule(kind=st.sampled_from(["x", "y"]), key=KEYS, delay=st.none() | DELAYS)
    def enqueue(self, kind, key, delay):
        due = None if delay is None else self.clock.us + delay
        job = NewJob(None, kind, kind, key, due)
        job_id = self.queue.enqueue(job)
        assert job_id == self.add(job)

    @rule(keys=st.lists(KEYS, max_size=5))
    def enqueue_many(self, keys):
        jobs = [NewJob(None, "m", "m", key) for key in keys]
        enqueued = self.queue.enqueue_many(jobs)
        added = [self.add(job) for job in jobs]
        assert enqueued.already_waiting == added.count(None)
        assert sum(enqueued) == len(keys)

    @rule(stream=st.sampled_from(STREAMS), limit=st.sampled_from([1, 2, 3, 4, 0]))
    def claim(self, stream, limit):
        expected = self.take(stream, limit)
        assert self.queue.claim(stream, self.next_seq[stream], limit) == expected

    @precondition(lambda self: self.history)
    @rule(data=st.data(), limit=st.integers(0, 3))
    def apply(self, data, limit):
        """Outcomes of leases that are, that were, and that never were; in any order, repeated."""
        stream = data.draw(self.some_stream())
        endings = []
        for _, job_id, attempt, lease_seq in data.draw(self.some_leases(stream)):
            delay = data.draw(st.none() | DELAYS)
            endings.append(
                Ending(
                    job_id,
                    attempt + data.draw(st.sampled_from([0] * 8 + [1, -1])),
                    lease_seq + data.draw(st.sampled_from([0, 0, 0, 1, 1, -1])),
                    None if delay is None else self.clock.us + delay,
                    data.draw(POLICIES),
                    dead=delay is None and data.draw(st.booleans()),
                )
            )
        # Two endings of one lease that contradict each other are never in one log.
        endings = list({(end.job_id, end.attempt): end for end in endings}.values())
        endings += data.draw(st.permutations(endings))
        self.next_seq[stream] += 1
        before = self.known.get(stream, KnownStream(stream))
        dead = [end.seq for end in endings if end.dead]
        self.known[stream] = KnownStream(
            stream,
            max(before.next_seq, *(end.seq + 1 for end in endings)),
            max([before.next_dead, *(seq + 1 for seq in dead)]),
        )
        retries = [end for end in endings if end.retry_at_us is not None]
        retries.sort(key=lambda end: -end.job_id)
        for end in retries + [end for end in endings if end.retry_at_us is None]:
            row = self.lease_of(stream, end.job_id, end.attempt)
            if row is None or end.seq < row.seq:
                continue
            if end.retry_at_us is None:
                del self.rows[row.id]
                continue
            transient = end.policy == "transient"
            self.let_wait(
                replace(
                    row,
                    due=end.retry_at_us,
                    losses=0,
                    failures=row.failures + transient,
                    not_found=row.not_found + (not transient),
                )
            )
        expected = self.take(stream, limit)
        next_seq = self.next_seq[stream]
        assert self.queue.apply(stream, endings, claim=limit, next_seq=next_seq) == expected

    @precondition(lambda self: self.history)
    @rule(data=st.data(), back=st.booleans())
    def give_back_or_interrupt(self, data, back):
        stream = data.draw(self.some_stream())
        some = data.draw(self.some_leases(stream))
        jobs = list({(job_id, attempt): None for _, job_id, attempt, _ in some})
        ended = 0
        for job_id, attempt in sorted(jobs, reverse=True):
            row = self.lease_of(stream, job_id, attempt)
            if row is not None:
                ended += 1
                self.let_wait(replace(row, attempt=row.attempt - back))
        release = self.queue.give_back if back else self.queue.interrupt
        assert release(stream, jobs) == ended

    @rule(data=st.data())
    def release_lost(self, data):
        stream = data.draw(self.some_stream())
        held = sorted(self.held(stream), key=lambda row: -row.id)
        for row in held:
            self.let_wait(replace(row, losses=row.losses + 1))
        assert self.queue.release_lost(stream) == len(held)

    @precondition(lambda self: self.history)
    @rule(data=st.data(), to=st.sampled_from(STREAMS))
    def take_over(self, data, to):
        stream, job_id, attempt, _ = data.draw(st.sampled_from(self.history[-8:]))
        row = self.lease_of(stream, job_id, attempt)
        seq = self.next_seq[to]
        assert self.queue.take_over(job_id, attempt, stream, to, seq) == (row is not None)
        if row is not None:
            self.rows[job_id] = replace(row, stream=to, seq=seq)
            self.history.append((to, job_id, attempt, seq))

    @rule(us=st.sampled_from([6, 4, 2, 1, 0, -1, -4]))
    def time_moves(self, us):
        self.clock.us += us

    @rule(paused=st.sampled_from([False, False, False, True]))
    def pause_or_resume(self, paused):
        (self.queue.pause if paused else self.queue.resume)()
        self.paused = paused

    # What is then the case

    @invariant()
    def both_agree(self):
        for stream in STREAMS:
            held = sorted(self.held(stream), key=lambda row: (row.seq, row.id))
            assert self.queue.leases(stream) == [row.leased() for row in held]
            seqs = [row.seq for row in held]
            assert self.queue.highest_lease_seq(stream) == max(seqs, default=None)
        waiting = self.waiting()
        later = [row.due for row in waiting if row.due > self.clock.us]
        assert self.queue.counts() == QueueCounts(
            len(waiting) - len(later),
            len(later),
            min(later, default=None),
            len(self.rows) - len(waiting),
            self.paused,
        )
        assert self.queue.companions.streams() == self.known
        assert self.queue.leased_streams() == sorted(
            {r.stream for r in self.rows.values()} - {None}
        )

    def teardown(self):
        """Everything that waits can be claimed, and is what the model says."""
        if not hasattr(self, "queue"):
            return
        self.queue.resume()
        self.paused = False
        self.clock.us += 1_000_000
        left = len(self.waiting())
        for number in range(left):
            stream = f"last-{number}"  # holds nothing yet, so it may take one that runs alone
            self.next_seq[stream] = 0
            assert self.queue.claim(stream, 0, 1) == self.take(stream, 1)
        assert not self.waiting()
        self.queue.close()
        shutil.rmtree(self.folder)


QueueModel.TestCase.settings = settings(
    max_examples=250,
    stateful_step_count=50,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestQueueModel = QueueModel.TestCase
