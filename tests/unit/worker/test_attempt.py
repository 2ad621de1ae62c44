from __future__ import annotations

import pytest

from events.model import Failed, Skipped, Succeeded
from sync_queue.errors import InvalidJobError
from sync_queue.jobs import LeasedJob
from worker.attempt import Failure, event_of, job_of
from worker.errors import HandlerStopped, PermanentError, PlexNotFound, TransientError
from worker.handlers.base import Outcome
from worker.retry import Backoff, RetryPolicies

JOB = LeasedJob(42, "metadata", 7, '{"a":1}', "k", 2, 5_000_000, 0, 1, 2, 0, 9)
SOON = RetryPolicies(Backoff(0, 0, 5), Backoff(1, 1, 12))


@pytest.fixture
def fail(place):
    def fail_with(error, job=JOB, policies=SOON):
        def handler(_job):
            raise error

        failure = place.attempts(handler, policies).run(job)
        assert isinstance(failure, Failure)
        return failure

    return fail_with


def test_a_handler_gets_the_job_as_it_was_enqueued(place):
    seen = []
    assert place.attempts(seen.append).run(JOB) == Outcome()
    (job,) = seen
    assert (job.id, job.kind, job.scene_id, job.data) == (42, "metadata", 7, {"a": 1})
    assert (job.attempt, job.key) == (2, "k")
    assert job.enqueued_at.isoformat() == "1970-01-01T00:00:05+00:00"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(None, Outcome()), ("low", Outcome("low")), (Outcome(skipped=True), Outcome(skipped=True))],
)
def test_an_answer_becomes_an_outcome(place, answer, outcome):
    assert place.attempts(lambda _: answer).run(JOB) == outcome


def test_an_answer_that_is_none_is_a_failure(place):
    failure = place.attempts(lambda _: 3).run(JOB)
    assert (failure.error_type, failure.cause) == ("HandlerResultError", "transient")


@pytest.mark.parametrize(
    ("error", "name", "cause"),
    [
        (ValueError("x"), "ValueError", "transient"),
        (TransientError("x", error_type="Busy"), "Busy", "transient"),
        (PlexNotFound("x"), "PlexNotFound", "not_found"),
        (PermanentError("x"), "PermanentError", "permanent"),
        (KeyboardInterrupt(), "KeyboardInterrupt", "transient"),
        (SystemExit(3), "SystemExit", "transient"),
        (GeneratorExit(), "GeneratorExit", "transient"),
        (InvalidJobError("of another queue"), "InvalidJobError", "transient"),
    ],
)
def test_an_error_is_named_and_judged(fail, error, name, cause):
    failure = fail(error)
    assert (failure.error_type, failure.cause) == (name, cause)
    assert failure.decision.is_dead == (cause == "permanent")
    assert not failure.stopped


def test_tries_are_counted_by_the_schedule_of_the_error(fail, place):
    assert fail(
        ValueError(), policies=RetryPolicies(Backoff(0, 0, 2), SOON.not_found)
    ).decision.is_dead
    failure = fail(PlexNotFound(), policies=RetryPolicies(Backoff(0, 0, 1), Backoff(9, 9, 4)))
    assert failure.decision.policy == "not_found"
    assert 0 <= failure.decision.retry_at_us - place.clock.us <= 9_000_000


def test_data_that_is_damaged_ends_the_job_at_once_and_the_handler_is_not_called(place):
    job = LeasedJob(42, "metadata", 7, '{"a":', None, 1, 0, 0, 0, 0, 0, 0)
    failure = place.attempts(lambda _: pytest.fail("called")).run(job)
    assert (failure.error_type, failure.cause) == ("InvalidJobError", "permanent")
    assert "stored data is damaged" in failure.message
    with pytest.raises(InvalidJobError):
        job_of(job)


def test_a_time_that_is_none_ends_the_job_at_once(place):
    job = LeasedJob(42, "metadata", 7, "{}", None, 1, 10**18, 0, 0, 0, 0, 0)
    failure = place.attempts(lambda _: pytest.fail("called")).run(job)
    assert (failure.error_type, failure.cause) == ("InvalidJobError", "permanent")
    assert "time of enqueuing is damaged: 1000000000000000000" in failure.message


def test_what_cannot_be_judged_is_a_failure_all_the_same(place):
    job = LeasedJob(42, "metadata", 7, "{}", None, 1, 0, 0, "not a number", 0, 0, 0)
    failure = place.attempts(lambda _: 1 / 0).run(job)
    assert (failure.error_type, failure.decision.is_dead) == ("unknown", True)


def test_an_exit_is_told_with_its_status(fail):
    failure = fail(SystemExit(3))
    assert failure.message == "the handler called sys.exit(3)"
    assert [each["exc_type"] for each in failure.traceback] == ["TransientError", "SystemExit"]


def test_an_answer_whose_class_raises_when_it_is_read_is_a_failure(place):
    class Raises(Outcome):
        confidence = property(lambda _self: 1 / 0)

        def __init__(self):
            pass

    failure = place.attempts(lambda _: Raises()).run(JOB)
    assert (failure.error_type, failure.cause) == ("ZeroDivisionError", "transient")


def test_an_error_whose_class_does_not_tell_its_name_is_a_failure(fail):
    class Nameless(type):
        __name__ = property(lambda _self: (_ for _ in ()).throw(made("Second")))

    def made(name):
        return Nameless(name, (Exception,), {})()

    assert "looking at it raised Second" in fail(made("First")).message


def test_secrets_in_an_error_are_masked(fail):
    failure = fail(ValueError("GET /x?X-Plex-Token=hunter2"))
    assert "hunter2" not in failure.message + str(failure.traceback)
    assert failure.traceback[0]["exc_type"] == "ValueError"


def test_an_error_whose_message_cannot_be_had_is_a_failure_like_others(fail):
    class Mute(Exception):  # noqa: N818 - a handler's error is named as it likes
        def __str__(self):
            raise RuntimeError("no")

    failure = fail(Mute())
    assert failure.error_type == "Mute"
    assert "RuntimeError in __str__" in failure.message


@pytest.mark.parametrize("attack", ["__str__", "__class__"])
def test_no_error_can_end_the_thread_by_being_looked_at(fail, attack):
    def look(_self):
        raise KeyboardInterrupt

    hostile = type(
        "Hostile", (Exception,), {attack: property(look) if attack == "__class__" else look}
    )
    failure = fail(hostile())
    assert failure.cause == "transient"
    assert failure.error_type in {"unknown", "Hostile"}


@pytest.mark.parametrize("base", [PermanentError, TransientError, PlexNotFound])
def test_a_subclass_that_does_not_call_our_init_works(fail, base):
    class Own(base):
        def __init__(self, code):
            self.code = code

    failure = fail(Own(7))
    assert failure.error_type == "Own"
    assert failure.decision.is_dead == (base is PermanentError)


@pytest.mark.parametrize("name", [7, "", None, b"x"])
def test_an_error_type_that_is_no_name_is_not_used(fail, name):
    error = TransientError("x")
    error.error_type = name
    assert fail(error).error_type == "TransientError"


def test_an_error_type_with_a_lone_surrogate_is_escaped(fail):
    assert fail(TransientError("x", error_type="a\udc80")).error_type == "a\\udc80"


def test_a_secret_in_an_error_type_is_masked_before_anybody_gets_it(fail):
    failure = fail(TransientError("x", error_type="token=hunter2"))
    assert failure.error_type == "token=[redacted]"


def test_a_long_error_type_is_cut(fail):
    assert len(fail(TransientError("x", error_type="E" * 100_000)).error_type) < 1100


def test_a_class_without_a_name_has_one(fail):
    assert fail(type("", (Exception,), {})()).error_type == "unknown"


def test_the_end_by_a_stop_is_marked(fail):
    assert fail(HandlerStopped("stopping")).stopped


def test_what_timed_out_is_told_with_its_time(place):
    failure = place.attempts(print).timed_out(JOB, 2.5)
    assert (failure.error_type, failure.cause) == ("HandlerTimeout", "transient")
    assert failure.message == "the handler took longer than 2.5 s"


def test_outcomes_as_events():
    times = {"duration_ns": 3, "wait_ns": 4}
    common = {"job_id": 42, "kind": "metadata", "attempt": 2, "scene_id": 7, **times}
    assert event_of(JOB, Outcome("low", 2), **times) == Succeeded(
        **common, confidence="low", warnings=2
    )
    assert event_of(JOB, Outcome(warnings=1, skipped=True), **times) == Skipped(
        **common, warnings=1
    )


def test_failures_as_events(fail):
    failure = fail(PlexNotFound("no item"))
    event = event_of(JOB, failure, duration_ns=3, wait_ns=4)
    assert isinstance(event, Failed)
    assert (event.error_type, event.error, event.to_dlq) == ("PlexNotFound", "no item", False)
    assert event.retry_at_us == failure.decision.retry_at_us
    assert (event.policy, event.exception) == ("not_found", failure.traceback)
    assert event.is_redacted
    dead = event_of(JOB, fail(PermanentError("x")), duration_ns=3, wait_ns=4)
    assert (dead.to_dlq, dead.retry_at_us, dead.policy) == (True, None, "transient")
