"""A whole worker (`processor` and `loop`) in this process, on a clock that the test moves."""

from __future__ import annotations

import itertools

import pytest

from sync_queue.jobs import NewJob
from tests.support.workers import TickingClock, ends_of
from worker.errors import PermanentError, PlexNotFound, TransientError
from worker.handlers.base import Outcome
from worker.listener import WorkerListener


@pytest.fixture
def clock():
    return TickingClock()


def test_it_works_the_queue_and_ends_when_it_is_drained(place):
    place.enqueue(25)
    report = place.worker(lambda job: "low" if job.id % 5 == 0 else None, concurrency=2).run()
    assert (report.stats.jobs_succeeded, report.stats.low_confidence_matches) == (25, 5)
    assert (report.stopped, report.interrupted, report.left.due) == (False, 0, 0)
    assert sorted(ends_of(place.data)) == list(range(1, 26))
    log = place.log(report.stream)
    assert [event["seq"] for event in log] == list(range(len(log)))
    assert [log[0]["event"], log[1]["event"]] == ["stream.opened", "worker.started"]
    assert [log[-2]["event"], log[-1]["event"]] == ["batch.summary", "worker.stopped"]
    assert log[-1]["reason"] == "drained"


def test_nothing_to_do_leaves_no_trace(place):
    report = place.worker(print).run()
    assert report.stats.jobs_processed == 0
    assert place.log() == []
    assert place.told.summaries == []


def test_outcomes_carry_what_the_handler_said(place):
    answers = [Outcome("guess", warnings=2), Outcome(skipped=True), None]
    place.enqueue(3)
    report = place.worker(lambda job: answers[job.id - 1]).run()
    first, second, third = place.outcomes()
    assert (first["confidence"], first["warnings"]) == ("guess", 2)
    assert second["event"] == "job.skipped"
    assert third["confidence"] == "high"
    assert (report.stats.jobs_skipped, report.stats.jobs_succeeded) == (1, 2)
    assert (third["job_id"], third["scene_id"], third["attempt"]) == (3, 3, 1)
    assert third["duration_ns"] > 0
    assert third["wait_ns"] > 0


def test_a_transient_failure_is_tried_again_until_it_has_no_tries_left(place):
    place.enqueue(2)

    def handler(job):
        if job.id == 1 or job.attempt < 3:
            raise TransientError("busy")

    report = place.worker(handler, wait=True, breaker_failures=99).run()
    first = [event for event in place.outcomes() if event["job_id"] == 1]
    assert [event["attempt"] for event in first] == [1, 2, 3, 4, 5]
    assert [event["to_dlq"] for event in first] == [False] * 4 + [True]
    assert all(
        before["retry_at"] <= after["timestamp"] for before, after in itertools.pairwise(first)
    )
    (letter,) = place.dead()
    assert (letter.job_id, letter.retry_count, letter.error_type) == (1, 5, "TransientError")
    assert report.stats.jobs_recovered == 1
    assert ends_of(place.data) == {1: ["job.failed"], 2: ["job.succeeded"]}


def test_a_permanent_failure_is_dead_at_once(place):
    place.enqueue(1)

    def handler(_job):
        raise PermanentError("never")

    report = place.worker(handler).run()
    (event,) = place.outcomes()
    assert (event["to_dlq"], event["error_type"], event["level"]) == (
        True,
        "PermanentError",
        "error",
    )
    assert "retry_at" not in event
    assert event["exception"][0]["exc_value"] == "never"
    assert report.stats.jobs_to_dlq == 1
    assert place.letters.get_by_id(1)["update_type"] == "metadata"


def test_what_is_not_found_has_a_schedule_of_its_own_and_opens_no_breaker(place):
    place.enqueue(1)

    def handler(_job):
        raise PlexNotFound("no item")

    place.clock.step_s = 20
    place.worker(handler, wait=True, breaker_failures=2).run()
    outcomes = place.outcomes()
    assert len(outcomes) == 12
    assert {event["policy"] for event in outcomes[:-1]} == {"not_found"}
    assert outcomes[-1]["to_dlq"]
    assert [event for event in place.log() if event["event"].startswith("breaker")] == []


def test_drain_leaves_what_is_scheduled_and_says_when_it_is_due(place):
    place.queue.enqueue(NewJob(1, due_at_us=place.clock.us + 3_600_000_000))
    report = place.worker(print).run()
    assert (report.left.scheduled, report.left.due) == (1, 0)
    assert report.left.next_due_at_us is not None
    place.clock.step_s = 60
    assert place.worker(lambda _: None, wait=True).run().stats.jobs_succeeded == 1


def test_data_that_is_damaged_is_a_dead_letter_with_the_text_that_is_there(place):
    place.queue.enqueue(NewJob(1, data={"a": 1}))
    with place.queue._database.transaction() as connection:
        connection.execute("UPDATE jobs SET data = '{\"a\":'")
    place.worker(lambda _: pytest.fail("called")).run()
    assert place.outcomes()[0]["error_type"] == "InvalidJobError"
    assert place.letters.get_by_id(1)["data"] == '{"a":'


def test_secrets_are_masked_in_the_log_and_the_dead_letters(place):
    place.enqueue(1)

    def handler(_job):
        raise PermanentError("GET http://plex/x?X-Plex-Token=hunter2hunter2")

    place.worker(handler).run()
    assert "hunter2" not in str(place.log())
    assert "hunter2" not in str(place.letters.get(1))


def test_a_retry_whose_key_waits_again_is_replaced_by_the_newer_job(place):
    place.queue.enqueue(NewJob(1, job_key="k"))

    def handler(job):
        if job.scene_id == 1:
            place.queue.enqueue(NewJob(2, job_key="k"))
            raise TransientError("busy")

    report = place.worker(handler, wait=True).run()
    assert [(e["scene_id"], e["event"]) for e in place.outcomes()] == [
        (1, "job.failed"),
        (2, "job.succeeded"),
    ]
    assert (report.left.due, report.left.scheduled, report.left.leased) == (0, 0, 0)


def test_a_summary_counts_failures_and_tells_what_is_on_the_disk(place):
    place.enqueue(6)
    seen = []

    class Looks(WorkerListener):
        def summary(self, lines):
            seen.append((lines, len(place.outcomes()), len(place.dead())))

    place.told = Looks()
    place.told.notices = []

    def handler(job):
        if job.id % 2:
            raise PermanentError("x")

    place.worker(handler, summary_every=2, batch=1, breaker_failures=9).run()
    assert [count for _, count, _ in seen] == [2, 4, 6]
    assert [dead for *_, dead in seen] == [1, 2, 3]
    assert seen[-1][0][0].startswith("Sync summary: 3/6 succeeded (50.0%)")
    assert seen[-1][0][1] == "DLQ contains 3 items: 3 PermanentError"
    summaries = [event for event in place.log() if event["event"] == "batch.summary"]
    assert [event["jobs_processed"] for event in summaries] == [2, 4, 6]


def test_without_an_interval_there_is_one_summary_at_the_end(place):
    place.enqueue(5)
    place.worker(lambda _: None, summary_every=0).run()
    assert len(place.told.summaries) == 1
