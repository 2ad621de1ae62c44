"""Random programs of workers that claim, record, stop and die at any step of the protocol.

The promises are those of the protocol's model: one outcome for each attempt, one end for each
job, dead letters exactly for the jobs that died, and no job that is stuck.
"""

from __future__ import annotations

import errno
import tempfile
from contextlib import closing, suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import LogWriteError
from events.model import Failed, Succeeded
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.workers import Dies, DyingAt, Place, TickingClock, ends_of, repeated_attempts
from worker.errors import PermanentError, TransientError
from worker.recorder import Ended
from worker.retry import Backoff, RetryPolicies
from worker.stopping import StopRequest

CRASHES = ["append", "letters before", "letters after", "queue before", "queue after"]
HOWS = ["success", "retry", "dead"]
worker_numbers = st.integers(0, 2)
anywhere = st.none() | st.sampled_from(CRASHES)
steps = st.one_of(
    st.tuples(st.just("start"), worker_numbers, anywhere),
    st.tuples(st.just("claim"), worker_numbers, st.integers(1, 3)),
    st.tuples(st.just("end"), worker_numbers, st.sampled_from(HOWS), anywhere),
    st.tuples(st.just("end"), worker_numbers, st.just("dead"), st.sampled_from(CRASHES)),
    st.tuples(st.just("kill"), worker_numbers),
    st.tuples(st.just("stop"), worker_numbers),
    st.tuples(st.just("mend"), worker_numbers),
)


class World:
    """Workers of one process on one data folder, each of which can die by itself."""

    def __init__(self, data):
        self.place = Place(data, TickingClock())
        self.place.fs = FaultyFileSystem()
        self.live = {}

    def parts(self, crash):
        """Queue and dead letters that die at a step."""
        queue, letters = self.place.queue, self.place.letters
        part, _, when = (crash or "").partition(" ")
        if part == "letters":
            letters = DyingAt(letters, "insert", after=when == "after")
        if part == "queue":
            queue = DyingAt(queue, "apply", after=when == "after")
        return queue, letters

    def start(self, number, crash):
        if number in self.live:
            return
        with suppress(Dies):  # only what it takes over can make it die at a step
            own = self.place.start(*self.parts(crash))
            own.recorder._queue, own.recorder._letters = self.parts(None)
            self.live[number] = own, []

    def claim(self, number, count):
        if number in self.live:
            own, jobs = self.live[number]
            jobs += self.place.queue.claim(own.name, own.recorder.next_seq, count)

    def end(self, number, how, crash):
        """Record an outcome; the worker is started, and claims, where it has not yet."""
        self.start(number, None)
        own, jobs = self.live[number]
        if not jobs:
            self.claim(number, 2)
        if not jobs:
            return
        job = jobs.pop(0)
        common = {"job_id": job.id, "kind": job.kind, "attempt": job.attempt}
        event = (
            Succeeded(**common)
            if how == "success"
            else Failed(
                **common,
                error_type="E",
                to_dlq=how == "dead",
                retry_at_us=self.place.clock.us if how == "retry" else None,
            )
        )
        own.recorder._queue, own.recorder._letters = self.parts(crash)
        own.recorder.add(Ended(job, event))
        if crash == "append":
            fs = self.place.fs
            fs.faults["sync", fs.count("sync") + 1] = errno.EIO
        try:
            own.recorder.commit()
        except (Dies, LogWriteError):
            self.kill(number)
        else:
            own.recorder._queue, own.recorder._letters = self.parts(None)

    def kill(self, number):
        if number in self.live:
            self.live.pop(number)[0].close()

    def stop(self, number):
        if number not in self.live:
            return
        own, jobs = self.live.pop(number)
        begun = jobs[:1]
        self.place.queue.give_back(own.name, [(job.id, job.attempt) for job in jobs[1:]])
        self.place.queue.interrupt(own.name, [(job.id, job.attempt) for job in begun])
        own.close()

    def mend(self, number):
        if number in self.live:
            own, _ = self.live[number]
            self.place.take_over().mend_dead(own, StopRequest())

    def drain(self):
        """All workers die, and one does all that is left."""
        for number in list(self.live):
            self.kill(number)

        def handler(job):
            if job.id % 3 == 0:
                raise PermanentError("x")
            if job.id % 3 == 1 and job.attempt % 2:
                raise TransientError("y")

        policies = RetryPolicies(Backoff(0, 0, 50))
        self.place.worker(handler, wait=True, policies=policies, breaker_failures=999).run()

    def check(self, *, quiet, jobs):
        assert repeated_attempts(self.place.data) == []
        ends = ends_of(self.place.data)
        assert {len(each) for each in ends.values()} <= {1}
        dead = {
            (event["stream"], event["seq"], event["job_id"])
            for event in self.place.outcomes()
            if event.get("to_dlq")
        }
        letters = [(each.stream, each.seq, each.job_id) for each in self.place.dead()]
        assert len(letters) == len(set(letters))
        assert set(letters) <= dead
        if quiet:
            assert set(letters) == dead
            assert sorted(ends) == list(range(1, jobs + 1))
            counts = self.place.queue.counts()
            assert (counts.due, counts.scheduled, counts.leased) == (0, 0, 0)


@settings(max_examples=150, deadline=None)
@given(program=st.lists(steps, max_size=20), jobs=st.integers(1, 5))
def test_whatever_workers_do_and_wherever_they_die_the_promises_hold(program, jobs):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        with closing(world.place):
            world.place.enqueue(jobs)
            for name, *args in program:
                getattr(world, name)(*args)
                world.check(quiet=False, jobs=jobs)
            world.drain()
            world.check(quiet=True, jobs=jobs)
