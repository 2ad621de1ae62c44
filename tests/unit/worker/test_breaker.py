from __future__ import annotations

import math

import pytest

from worker.breaker import BreakerClosed, BreakerOpened, CircuitBreaker
from worker.errors import WorkerError

S = 1_000_000_000


def attempt(breaker, result, now_ns=0, cause="boom"):
    return breaker.record(result, breaker.began(now_ns), now_ns, cause)


def opened(now_ns=0):
    breaker = CircuitBreaker()
    for _ in range(4):
        assert attempt(breaker, "transient", now_ns) is None
    assert attempt(breaker, "transient", now_ns) is not None
    return breaker


def test_five_transient_failures_in_a_row_open_it_with_the_last_cause():
    breaker = CircuitBreaker()
    assert breaker.may_begin(0) is None
    assert breaker.wait_ns(0) == 0
    for n in range(4):
        assert attempt(breaker, "transient", n, f"no {n}") is None
        assert breaker.may_begin(n) is None
    assert attempt(breaker, "transient", 4, "no 4") == BreakerOpened("no 4", 5, 60.0)
    assert breaker.state(4) == "open"
    assert breaker.may_begin(4) == 0


def test_a_success_ends_the_row():
    breaker = CircuitBreaker()
    for _ in range(10):
        for _ in range(4):
            assert attempt(breaker, "transient") is None
        assert attempt(breaker, "success") is None
    assert breaker.state(0) == "closed"


def test_neutral_results_neither_count_nor_end_the_row():
    breaker = CircuitBreaker()
    for _ in range(20):
        assert attempt(breaker, "neutral") is None
    for _ in range(4):
        attempt(breaker, "transient")
        attempt(breaker, "neutral")
    assert breaker.state(0) == "closed"
    assert attempt(breaker, "transient") is not None


def test_after_the_cooldown_one_trial_begins():
    breaker = opened(now_ns=7 * S)
    assert breaker.wait_ns(8 * S) == 59 * S
    assert breaker.may_begin(67 * S - 1) == 0
    assert breaker.may_begin(67 * S) == 1
    breaker.began(67 * S)
    assert breaker.state(67 * S) == "half_open"
    assert breaker.may_begin(67 * S) == 0
    assert breaker.wait_ns(67 * S) == 0


def test_a_trial_that_succeeds_closes_it():
    breaker = opened()
    closed = attempt(breaker, "success", 61 * S, "job 9 succeeded")
    assert closed == BreakerClosed("job 9 succeeded", failures=5, open_s=61.0)
    assert breaker.state(61 * S) == "closed"
    assert breaker.may_begin(61 * S) is None
    for _ in range(4):
        assert attempt(breaker, "transient", 62 * S) is None


def test_a_trial_that_fails_opens_it_again_for_a_whole_cooldown():
    breaker = opened()
    assert attempt(breaker, "transient", 61 * S, "still") == BreakerOpened("still", 6, 60.0)
    assert breaker.may_begin(120 * S) == 0
    closed = attempt(breaker, "success", 121 * S)
    assert closed is not None
    assert closed.open_s == 121.0


def test_a_neutral_trial_lets_the_next_one_try():
    breaker = opened()
    assert attempt(breaker, "neutral", 60 * S) is None
    assert breaker.state(60 * S) == "half_open"
    assert breaker.may_begin(60 * S) == 1


def test_without_a_threshold_it_never_opens():
    breaker = CircuitBreaker(threshold=None)
    assert [attempt(breaker, "transient", now) for now in range(99)] == [None] * 99
    assert breaker.may_begin(99) is None


def test_attempts_from_before_it_opened_say_nothing_about_now():
    breaker = CircuitBreaker(threshold=1)
    first, late_success, late_failure = (breaker.began(0) for _ in range(3))
    assert breaker.record("transient", first, 1) is not None
    assert breaker.record("success", late_success, 2) is None
    assert breaker.state(2) == "open"
    trial = breaker.began(61 * S)
    assert breaker.record("transient", late_failure, 61 * S) is None
    assert breaker.may_begin(61 * S) == 0
    assert isinstance(breaker.record("success", trial, 62 * S), BreakerClosed)


def test_an_attempt_that_begins_in_spite_of_it_counts_for_nothing():
    breaker = opened()
    assert attempt(breaker, "success", 1) is None
    assert breaker.state(1) == "open"


def test_transitions_name_their_event_and_their_cause_is_bounded():
    breaker = CircuitBreaker(threshold=1, cooldown_s=0)
    first = attempt(breaker, "transient", 0, "x" * 5000)
    assert (first.event, len(first.cause)) == ("breaker.opened", 1000)
    second = attempt(breaker, "success", 0, "")
    assert (second.event, second.cause) == ("breaker.closed", "the trial succeeded")


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({"threshold": 0}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"cooldown_s": -1}, "cooldown_s"),
        ({"cooldown_s": math.nan}, "cooldown_s"),
        ({"cooldown_s": math.inf}, "cooldown_s"),
    ],
)
def test_numbers_that_make_no_breaker_are_refused_by_name(numbers, named):
    with pytest.raises(WorkerError, match=named):
        CircuitBreaker(**numbers)
