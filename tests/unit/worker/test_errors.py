from __future__ import annotations

import pickle

import pytest

from events.errors import SyncStatsError
from worker import errors


def test_every_error_has_the_one_root():
    found = [each for each in vars(errors).values() if isinstance(each, type)]
    raised = [each for each in found if issubclass(each, BaseException)]
    assert errors.HandlerStopped in raised
    assert [each for each in raised if not issubclass(each, SyncStatsError)] == []


@pytest.mark.parametrize(
    ("error", "recorded"),
    [
        (errors.PlexNotFound("x"), "PlexNotFound"),
        (errors.HandlerTimeout("x"), "HandlerTimeout"),
        (errors.TransientError("x", error_type="RateLimited"), "RateLimited"),
        (errors.PermanentError("x", error_type=""), "PermanentError"),
        (KeyError("x"), "KeyError"),
    ],
)
def test_the_recorded_type_is_the_errors_own_word_else_its_class(error, recorded):
    assert errors.recorded_type(error) == recorded


def test_an_error_type_attribute_of_somebody_elses_error_renames_nothing():
    class TheirsError(Exception):
        error_type = "something else"

    assert errors.recorded_type(TheirsError()) == "TheirsError"


def test_errors_travel_between_processes_with_their_hints():
    error = errors.TransientError("busy", error_type="RateLimited", retry_after_s=3.0)
    back = pickle.loads(pickle.dumps(error))
    assert (str(back), back.error_type, back.retry_after_s) == ("busy", "RateLimited", 3.0)


def test_not_found_and_timeout_are_transient_and_permanent_is_not():
    assert issubclass(errors.PlexNotFound, errors.TransientError)
    assert issubclass(errors.HandlerTimeout, errors.TransientError)
    assert not issubclass(errors.PermanentError, errors.TransientError)
