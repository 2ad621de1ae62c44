"""Storage that refuses for a while: waits that end it, and what must have come of it."""

from __future__ import annotations

from projections.runner import Runner
from tests.support.workers import ends_of, repeated_attempts


class Waits:
    """Stands for sleep: after so many of the worker's waits the trouble is over."""

    def __init__(self, end, after=30):
        self.left = after
        self.end = end

    def __call__(self, _seconds):
        self.left -= 1
        if self.left == 0:
            self.end()


def told(place, text):
    return sum(text in notice for notice in place.told.notices)


def assert_exact(place, jobs):
    """Each of these jobs succeeded once, in every account of it."""
    assert ends_of(place.data) == {job: ["job.succeeded"] for job in jobs}
    assert repeated_attempts(place.data) == []
    assert place.dead() == []
    counts = place.queue.counts()
    assert (counts.due, counts.scheduled, counts.leased) == (0, 0, 0)
    runner = Runner(place.data)
    runner.start()
    runner.catch_up()
    assert runner.snapshot.total().jobs_succeeded == len(jobs)
    assert runner.snapshot.gaps == 0
