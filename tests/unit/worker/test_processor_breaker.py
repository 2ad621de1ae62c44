"""The circuit breaker of a whole worker."""

from __future__ import annotations

import pytest

from tests.support.running_workers import Through
from tests.support.workers import TickingClock, ends_of
from worker.errors import TransientError
from worker.retry import Backoff, RetryPolicies


@pytest.fixture
def clock():
    return TickingClock()


def test_the_breaker_opens_gives_back_what_has_not_begun_and_closes_after_a_trial(place):
    place.enqueue(10)
    failing = [True]

    def handler(_job):
        if failing[0]:
            raise TransientError("502")

    def notice(text):
        place.told.notices.append(text)
        failing[0] = False  # the server is back before the trial

    place.told.notice = notice
    report = place.worker(
        handler, wait=True, breaker_failures=3, policies=RetryPolicies(Backoff(0, 0, 9))
    ).run()
    opened, closed = (e for e in place.log() if e["event"].startswith("breaker"))
    assert (opened["event"], opened["level"]) == ("breaker.opened", "warning")
    assert (opened["cause"], opened["failures"]) == ("TransientError: 502", 3)
    assert (closed["event"], closed["cause"]) == ("breaker.closed", "the trial succeeded")
    assert closed["open_s"] >= 60
    assert (
        "circuit breaker opened after 3 failures in a row (TransientError: 502)"
        in (place.told.notices[0])
    )
    assert "circuit breaker closed" in place.told.notices[1]
    attempts = {}
    for event in place.outcomes():
        attempts.setdefault(event["job_id"], []).append(event["attempt"])
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in attempts.values())
    assert max(map(len, attempts.values())) == 2  # nothing was tried while it was open
    assert report.stats.jobs_succeeded == 10
    between = place.log()[opened["seq"] + 1 : closed["seq"]]
    assert [event["event"] for event in between] == ["job.succeeded"]  # that of the trial


def test_a_trial_that_fails_opens_the_breaker_again(place):
    place.enqueue(3)
    tries = []

    def handler(job):
        tries.append(job.id)
        if len(tries) <= 3:
            raise TransientError("502")

    policies = RetryPolicies(Backoff(0, 0, 9))
    place.worker(handler, wait=True, batch=1, breaker_failures=2, policies=policies).run()
    events = [e["event"] for e in place.log() if e["event"].startswith("breaker")]
    assert events == ["breaker.opened", "breaker.opened", "breaker.closed"]
    assert sorted(ends_of(place.data)) == [1, 2, 3]


def test_when_the_breaker_opens_the_log_is_written_before_the_queue(place):
    recorded = []

    class Looks(Through):
        def give_back(self, stream, jobs):
            recorded.append(([number for number, _ in jobs], len(place.outcomes())))
            return self._inner.give_back(stream, jobs)

    def handler(_job):
        raise TransientError("502")

    place.enqueue(10)
    queue = Looks(place.queue)
    place.worker(handler, queue=queue, breaker_failures=3, breaker_cooldown_s=0).run()
    assert recorded[0] == ([4, 5, 6, 7, 8, 9, 10], 3)
