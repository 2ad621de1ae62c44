"""A worker beside others on one queue: what they hold, what they leave behind, a pause for all."""

from __future__ import annotations

import threading

import pytest

from tests.support.handlers import wait_until
from tests.support.running_workers import LONG_S, Gate, Running, Through
from tests.support.workers import TickingClock


@pytest.fixture
def clock():
    return TickingClock()


class Asked(Through):
    """A queue that tells each time that it was asked what is left in it."""

    def __init__(self, inner):
        super().__init__(inner)
        self.asked = threading.Semaphore(0)

    def counts(self):
        counts = self._inner.counts()
        self.asked.release()
        return counts


def test_a_drain_waits_for_what_other_workers_hold(place):
    place.enqueue(1)
    other = place.start()
    (job,) = place.queue.claim(other.name, other.recorder.next_seq, 1)
    queue = Asked(place.queue)
    running = Running(place.worker(lambda _: None, queue=queue))
    for _ in range(3):
        assert queue.asked.acquire(timeout=LONG_S)
    assert running.thread.is_alive()  # it has asked three times, and waits still
    place.queue.interrupt(other.name, [(job.id, job.attempt)])
    assert running.join().stats.jobs_succeeded == 1
    other.close()


def test_an_idle_worker_takes_over_what_a_dead_one_held(place):
    place.enqueue(1)
    other = place.start()
    place.queue.claim(other.name, other.recorder.next_seq, 1)
    running = Running(place.worker(lambda _: None))
    wait_until(lambda: len(place.streams()) == 2, "the worker has a stream")
    other.close()  # dead: its lock is free, its lease is there
    assert running.join().stats.jobs_succeeded == 1
    assert any(f"took over stream '{other.name}'" in notice for notice in place.told.notices)


def test_a_worker_with_a_thread_to_spare_takes_over_while_another_job_runs(place):
    gate = Gate()
    place.enqueue(2)
    other = place.start()
    place.queue.claim(other.name, other.recorder.next_seq, 1)
    running = Running(place.worker(gate, concurrency=2, timeout_s=None))
    gate.wait_begun()
    other.close()
    # Job 1 runs alone because it was lost, so it waits for job 2; but it is released meanwhile.
    wait_until(lambda: other.name not in place.queue.leased_streams(), "released")
    gate.gate.set()
    assert running.join().stats.jobs_succeeded == 2


def test_a_drain_of_a_paused_queue_ends(place):
    place.enqueue(2)
    place.queue.pause()
    report = place.worker(lambda _: pytest.fail("called"), wait=True).run()
    assert (report.left.due, report.left.paused) == (2, True)


def test_a_pause_lets_what_is_leased_be_done(place):
    place.enqueue(20)

    def handler(job):
        if job.id == 1:
            place.queue.pause()

    report = place.worker(handler, batch=4).run()
    assert report.stats.jobs_succeeded == 4
    assert report.left.due == 16


def test_jobs_that_died_with_workers_are_counted_in_the_run_that_tells_of_them(place):
    place.enqueue(1)
    for _ in range(3):
        place.die_with_leases(1)
    report = place.worker(print).run()
    assert (report.stats.jobs_to_dlq, report.stats.errors_by_type) == (1, {"WorkerLost": 1})
    assert place.told.summaries[0][1] == "DLQ contains 1 item: 1 WorkerLost"
