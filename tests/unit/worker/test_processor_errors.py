"""Storage that fails under a worker: the run ends, and nothing is lost or charged to a job."""

from __future__ import annotations

import threading
import time

import pytest

from sync_queue.errors import QueueError
from tests.support.running_workers import LONG_S, Gate, Through
from tests.support.workers import TickingClock, ends_of, repeated_attempts


@pytest.fixture
def clock():
    return TickingClock()


def test_a_queue_that_cannot_be_written_ends_the_run_and_nothing_is_lost(place):
    place.enqueue(3)

    class Full(Through):
        def apply(self, stream, endings, **more):
            if endings:
                raise QueueError("the disk is full")
            return self._inner.apply(stream, endings, **more)

    worker = place.worker(lambda _: None, queue=Full(place.queue))
    with pytest.raises(QueueError, match="disk is full"):
        worker.run()
    # What may be in the log is left to the next start, the rest is free.
    recorded = [event["job_id"] for event in place.outcomes()]
    (stream,) = place.queue.leased_streams()
    assert recorded == [job.id for job in place.queue.leases(stream)]
    assert "not all jobs were released" in place.told.notices[-1]
    place.worker(lambda _: None).run()
    assert sorted(ends_of(place.data)) == [1, 2, 3]
    assert repeated_attempts(place.data) == []


def test_an_error_charges_no_job_neither_those_that_run_nor_those_that_wait(place):
    place.clock.step_s = 0
    gate = Gate()
    second_began = threading.Event()

    class FullOnce(Through):
        full = True

        def apply(self, stream, endings, **more):
            if endings and self.full:
                self.full = False
                raise QueueError("the disk is full")
            return self._inner.apply(stream, endings, **more)

    def handler(job):
        if job.id == 1:
            assert second_began.wait(LONG_S)
            return
        second_began.set()
        gate(job)

    place.enqueue(4)
    worker = place.worker(handler, queue=FullOnce(place.queue), concurrency=2)
    with pytest.raises(QueueError, match="disk is full"):
        worker.run()
    gate.gate.set()
    jobs = {job.id: job for job in place.queue.claim("other", 0, 9)}
    assert 1 not in jobs  # its outcome was in the log, and is applied
    assert {job.losses for job in jobs.values()} == {0}
    assert (jobs[2].attempt, jobs[4].attempt) == (2, 1)


def test_an_error_that_a_job_may_have_brought_about_counts_as_a_death(place):
    class Defect(Through):
        def apply(self, stream, endings, **more):
            assert not endings, "a defect"
            return self._inner.apply(stream, endings, **more)

    place.enqueue(1)
    for _ in range(3):
        with pytest.raises(AssertionError, match="a defect"):
            place.worker(lambda _: time.sleep(0), queue=Defect(place.queue)).run()
        for path in (place.data / "events").glob("*/*.jsonl"):
            path.unlink()  # whatever was wrong, nothing came into the log
    place.worker(lambda _: pytest.fail("called")).run()
    assert [letter.error_type for letter in place.dead()] == ["WorkerLost"]


def test_no_lease_names_a_seq_that_is_not_in_the_log(place):
    place.enqueue(9)
    ahead = []

    class Looks(Through):
        def _note(self, stream, next_seq):
            lines = len(place.log(stream))
            ahead.append(next_seq - lines)

        def claim(self, stream, next_seq, limit):
            self._note(stream, next_seq)
            return self._inner.claim(stream, next_seq, limit)

        def apply(self, stream, endings, *, claim=0, next_seq=0):
            self._note(stream, next_seq)
            return self._inner.apply(stream, endings, claim=claim, next_seq=next_seq)

    for _ in range(3):
        place.die_with_leases(1)  # so that the first outcome is there before the first claim
    place.worker(lambda _: None, queue=Looks(place.queue), batch=2, summary_every=2).run()
    assert set(ahead) == {0}


def test_dead_letters_that_cannot_be_read_for_a_summary_end_no_run(place):
    class Locked(Through):
        def get_error_summary(self):
            raise QueueError("dlq.db is locked")

    place.enqueue(6)
    place.letters = Locked(place.letters)
    report = place.worker(lambda _: None, summary_every=2, batch=3).run()
    assert report.stats.jobs_succeeded == 6
    assert place.told.summaries[-1] == [place.told.summaries[-1][0]]
    assert "dlq.db is locked" in place.told.notices[0]
