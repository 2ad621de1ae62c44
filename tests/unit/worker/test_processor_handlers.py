"""Handlers that behave badly: each ends its own attempt, and nothing else."""

from __future__ import annotations

import os

import pytest
import structlog

from tests.support.forking import fork
from tests.support.running_workers import AT_ONCE, Gate
from tests.support.workers import TickingClock, ends_of, repeated_attempts
from worker.errors import HandlerStopped, PermanentError


@pytest.fixture
def clock():
    return TickingClock()


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_an_error_that_would_end_a_program_ends_only_its_attempt(place, error):
    place.enqueue(2)

    def handler(job):
        if job.id == 1:
            raise error

    place.worker(handler, policies=AT_ONCE, wait=True).run()
    assert ends_of(place.data) == {1: ["job.failed"], 2: ["job.succeeded"]}
    assert place.dead()[0].error_type == error.__name__


def test_an_error_without_a_message_is_recorded(place):
    class Mute(PermanentError):  # noqa: N818 -- a handler names its errors as it likes
        def __init__(self):
            pass

        def __str__(self):
            raise ValueError("no")

    def handler(_job):
        raise Mute

    place.enqueue(1)
    place.worker(handler).run()
    assert place.dead()[0].error_type == "Mute"


def test_a_handler_that_configures_structlog_changes_no_outcome(place):
    def handler(_job):
        structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
        structlog.contextvars.bind_contextvars(event="x", to_dlq=True, seq=99)

    place.enqueue(3)
    try:
        place.worker(handler).run()
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
    assert [event["seq"] for event in place.log()] == list(range(7))
    assert all("to_dlq" not in event for event in place.outcomes())
    assert len(ends_of(place.data)) == 3


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_the_handler_forks_and_leaves_does_no_harm(place):
    children = []

    def handler(_job):
        child = fork()
        if child:
            children.append(child)

    place.enqueue(5)
    report = place.worker(handler).run()
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert report.stats.jobs_succeeded == len(children) == 5
    assert repeated_attempts(place.data) == []


def test_a_handler_that_hangs_is_recorded_as_a_timeout_and_its_late_result_discarded(place):
    gate = Gate()
    place.enqueue(2)

    def handler(job):
        if job.id == 1 and job.attempt == 1:
            gate(job)
            return "late"
        return None

    report = place.worker(handler, timeout_s=30, wait=True, policies=AT_ONCE).run()
    gate.gate.set()
    assert report.stats.jobs_succeeded == 2
    assert report.stats.errors_by_type == {"HandlerTimeout": 1}
    late = next(event for event in place.outcomes() if event["event"] == "job.failed")
    assert (late["job_id"], late["attempt"]) == (1, 1)
    assert late["duration_ns"] >= 30_000_000_000
    assert repeated_attempts(place.data) == []


def test_a_handler_that_watches_its_own_time_is_not_watched(place):
    class OwnTime:
        enforces_timeout = True
        ending_s = None

        def __call__(self, _job):
            place.clock.move_s(3600)

        def stop(self):
            pass

    place.enqueue(1)

    def handler(job):
        return handler.as_handler(job)

    handler.as_handler = OwnTime()
    assert place.worker(handler, timeout_s=1).run().stats.jobs_succeeded == 1


def test_a_handler_that_says_stopped_while_nobody_stops_it_has_failed(place):
    def handler(_job):
        raise HandlerStopped("of its own")

    place.enqueue(1)
    place.worker(handler, wait=True, policies=AT_ONCE).run()
    assert place.dead()[0].error_type == "HandlerStopped"
