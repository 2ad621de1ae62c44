from __future__ import annotations

import pytest

from tests.support.held_clock import HeldClock
from tests.support.workers import TickingClock, ends_of
from worker.errors import TransientError
from worker.retry import MAX_WAIT_S
from worker.set_back import LOOK_EVERY_S, SetBack

DAY_S = 86_400


@pytest.fixture
def clock():
    return TickingClock()


def test_jobs_that_were_due_before_the_clock_was_set_back_are_done(place):
    place.enqueue(3)
    place.clock.us -= DAY_S * 1_000_000
    place.worker(lambda _: None).run()
    assert ends_of(place.data) == {job: ["job.succeeded"] for job in (1, 2, 3)}
    assert all(event["wait_ns"] < 1e12 for event in place.outcomes())
    (notice,) = place.told.notices
    assert "the clock was set back: 3 jobs" in notice


def test_without_that_nothing_is_told(place):
    place.enqueue(3)
    place.worker(lambda _: None).run()
    assert place.told.notices == []


def test_a_retry_beyond_any_wait_is_due(place):
    def handler(job):
        if job.attempt == 1:
            place.clock.us += 10 * 366 * DAY_S * 1_000_000
            raise TransientError("busy", retry_after_s=3600)

    place.enqueue(1)
    place.worker(handler).run()
    assert place.queue.counts().scheduled == 1
    place.clock.us -= 10 * 366 * DAY_S * 1_000_000
    place.worker(handler).run()
    assert [event["event"] for event in place.outcomes()] == ["job.failed", "job.succeeded"]


class Queue:
    """Counts the looks."""

    looks = 0

    def bring_forward(self, longest_wait_us):
        assert longest_wait_us == MAX_WAIT_S * 1_000_000
        self.looks += 1
        return self.looks % 2


def test_it_looks_once_a_minute():
    queue, clock, notices = Queue(), HeldClock(), []
    set_back = SetBack(queue, clock, notices.append)
    assert set_back.look()
    assert not set_back.look()
    clock.move_s(LOOK_EVERY_S)
    assert not set_back.look()
    assert queue.looks == 2
    assert len(notices) == 1
    assert "1 job waited" in notices[0]
