"""How a worker is stopped: what runs is waited for, for a while, and the rest is given back."""

from __future__ import annotations

import threading

import pytest

from tests.support.handlers import wait_until
from tests.support.running_workers import LONG_S, Gate, Running
from tests.support.workers import TickingClock
from worker.errors import HandlerStopped, PermanentError


@pytest.fixture
def clock():
    return TickingClock()


def test_a_stop_before_the_run_ends_it_at_once_without_a_stream(place):
    place.enqueue(1)
    worker = place.worker(lambda _: pytest.fail("called"), drain=False)
    worker.stop()
    with place.fs.lock(place.data / "takeover.lock"):
        report = worker.run()
    assert (report.stream, report.stopped, report.left.due) == (None, True, 1)
    assert not (place.data / "events").exists()


def test_a_stop_records_what_runs_and_gives_the_rest_back_unused(place):
    place.clock.step_s = 0  # the clock stands: the grace is not over before the test wants it
    gate = Gate()
    place.enqueue(5)
    running = Running(place.worker(gate, drain=False))
    gate.wait_begun()
    running.worker.stop()
    wait_until(lambda: place.queue.counts().due == 4, "what has not begun is given back")
    gate.gate.set()
    report = running.join()
    assert (report.stopped, report.interrupted) == (True, 0)
    assert [event["job_id"] for event in place.outcomes()] == [1]
    assert place.log()[-1]["reason"] == "stopped"
    assert place.queue.counts().due == 4
    assert {job.attempt for job in place.queue.claim("other", 0, 9)} == {1}


def test_what_does_not_end_within_the_grace_is_released_with_its_attempt_used(place):
    gate = Gate()
    place.enqueue(3)
    running = Running(place.worker(gate, drain=False, grace_s=0.05, concurrency=2))
    gate.wait_begun(2)
    running.worker.stop()
    report = running.join()
    gate.gate.set()
    assert report.interrupted == 2
    assert place.outcomes() == []
    jobs = place.queue.claim("other", 0, 9)
    assert [(job.id, job.attempt, job.losses) for job in jobs] == [(1, 2, 0), (2, 2, 0), (3, 1, 0)]


def test_a_stop_at_once_does_not_wait(place):
    place.clock.step_s = 0  # a clock that stands: no grace would ever end
    gate = Gate()
    place.enqueue(1)
    running = Running(place.worker(gate, drain=False, grace_s=3600))
    gate.wait_begun()
    running.worker.stop()
    running.worker.stop(at_once=True)
    assert running.join().interrupted == 1
    gate.gate.set()
    assert place.queue.counts().due == 1


class Ending:
    """A handler that ends what it runs when it is told to stop, as `exec` does."""

    enforces_timeout = True
    ending_s = 0.0

    def __init__(self, error):
        self.began = threading.Event()
        self.stopped = threading.Event()
        self.error = error

    def __call__(self, _job):
        self.began.set()
        assert self.stopped.wait(LONG_S)
        if self.error:
            raise self.error

    def stop(self):
        self.stopped.set()


@pytest.mark.parametrize(
    ("error", "recorded"), [(HandlerStopped("ended"), 0), (None, 1), (PermanentError("x"), 1)]
)
def test_a_handler_that_can_end_what_runs_is_waited_for(place, error, recorded):
    place.clock.step_s = 0
    ending = Ending(error)
    place.enqueue(1)

    def handler(job):
        return ending(job)

    handler.as_handler = ending
    running = Running(place.worker(handler, drain=False, grace_s=0))
    assert ending.began.wait(LONG_S)
    running.worker.stop()
    report = running.join()
    assert report.interrupted == 1 - recorded
    assert len(place.outcomes()) == recorded
    assert len(place.dead()) == isinstance(error, PermanentError)
