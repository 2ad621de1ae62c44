from __future__ import annotations

import math
from random import Random

import pytest

from worker.errors import (
    HandlerTimeout,
    PermanentError,
    PlexNotFound,
    TransientError,
    WorkerError,
)
from worker.retry import MAX_WAIT_S, Backoff, Decision, RetryPolicies, classify, decide

NOW_US = 1_764_000_000_000_000


class TopOfRange(Random):
    """Draws the largest wait, so that bounds show."""

    def uniform(self, a, b):
        assert a == 0.0
        return b


def decide_now(error, *, failures=0, not_found=0, rng=None, policies=None):
    return decide(
        error,
        failures=failures,
        not_found=not_found,
        policies=policies or RetryPolicies(),
        rng=rng or TopOfRange(),
        now_us=NOW_US,
    )


def wait_s(decision):
    return (decision.retry_at_us - NOW_US) / 1_000_000


def test_the_transient_schedule_doubles_from_5_s_and_is_dead_at_the_fifth_failure():
    decisions = [decide_now(TransientError("x"), failures=n) for n in range(5)]
    assert [wait_s(d) for d in decisions[:4]] == [5, 10, 20, 40]
    assert decisions[4].is_dead
    assert {d.policy for d in decisions} == {"transient"}


def test_the_not_found_schedule_doubles_from_30_s_to_600_s_and_is_dead_at_the_twelfth():
    decisions = [decide_now(PlexNotFound("x"), not_found=n) for n in range(12)]
    waits = [wait_s(d) for d in decisions[:11]]
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600, 600, 600, 600]
    assert decisions[11].is_dead
    assert {d.policy for d in decisions} == {"not_found"}


def test_the_cap_bounds_the_wait():
    policies = RetryPolicies(transient=Backoff(base_s=5, cap_s=80, tries=10_000))
    for failures in (4, 5, 9, 2000):
        assert wait_s(decide_now(TransientError("x"), failures=failures, policies=policies)) == 80


def test_the_two_schedules_count_their_own_failures():
    assert wait_s(decide_now(PlexNotFound("x"), failures=4, not_found=0)) == 30
    assert wait_s(decide_now(TransientError("x"), failures=0, not_found=11)) == 5


def test_jitter_is_drawn_evenly_from_zero_to_the_bound():
    rng = Random(7)
    waits = [wait_s(decide_now(TransientError("x"), failures=3, rng=rng)) for _ in range(2000)]
    assert 0 <= min(waits) < 1
    assert 39 < max(waits) <= 40
    assert 18.5 < sum(waits) / len(waits) < 21.5


def test_permanent_is_dead_at_once():
    assert decide_now(PermanentError("x")) == Decision(None, "transient")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TransientError("x"), "transient"),
        (HandlerTimeout("x"), "transient"),
        (ValueError("x"), "transient"),
        (SystemExit(1), "transient"),
        (PlexNotFound("x"), "not_found"),
        (PlexNotFound("x", error_type="Ambiguous"), "not_found"),
        (TransientError("x", error_type="PlexNotFound"), "not_found"),
        (PermanentError("x"), "permanent"),
        (PermanentError("x", error_type="PlexNotFound"), "permanent"),
    ],
)
def test_what_an_error_means(error, cause):
    assert classify(error) == cause


def test_retry_after_lengthens_a_wait_and_never_shortens_it():
    assert wait_s(decide_now(TransientError("x", retry_after_s=33.5))) == 33.5
    assert wait_s(decide_now(TransientError("x", retry_after_s=1))) == 5
    assert wait_s(decide_now(PlexNotFound("x", retry_after_s=3600))) == 3600
    assert wait_s(decide_now(TransientError("x", retry_after_s=0))) == 5


def test_retry_after_does_not_revive_a_dead_job():
    assert decide_now(TransientError("x", retry_after_s=10), failures=4).is_dead


@pytest.mark.parametrize("nonsense", [-1, math.nan, math.inf, "60", True, None])
def test_a_retry_after_that_is_no_time_is_ignored(nonsense):
    error = TransientError("x")
    error.retry_after_s = nonsense
    assert wait_s(decide_now(error)) == 5


def test_a_retry_after_beyond_a_year_is_a_year():
    for asked in (1e300, 10**400):
        assert wait_s(decide_now(TransientError("x", retry_after_s=asked))) == MAX_WAIT_S


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({"tries": 0}, "tries"),
        ({"tries": True}, "tries"),
        ({"tries": 2.0}, "tries"),
        ({"base_s": -1}, "base_s"),
        ({"base_s": math.nan}, "base_s"),
        ({"base_s": "5"}, "base_s"),
        ({"cap_s": math.inf}, "cap_s"),
        ({"cap_s": True}, "cap_s"),
        ({"cap_s": 4.9}, "cap_s"),
    ],
)
def test_numbers_that_make_no_schedule_are_refused_by_name(numbers, named):
    with pytest.raises(WorkerError, match=named):
        Backoff(**{"base_s": 5, "cap_s": 80, "tries": 5} | numbers)


def test_one_try_and_no_wait_are_schedules():
    assert decide_now(
        TransientError("x"), policies=RetryPolicies(transient=Backoff(0, 0, 1))
    ).is_dead
    at_once = decide_now(TransientError("x"), policies=RetryPolicies(transient=Backoff(0, 0, 2)))
    assert at_once.retry_at_us == NOW_US
