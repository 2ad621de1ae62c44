"""What a handler returns or raises is of classes whose code raises: it ends an attempt, no more."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.workers import Place, TickingClock, ends_of
from worker.errors import PermanentError
from worker.handlers.base import Outcome


class Text(str):
    __slots__ = ()

    def __eq__(self, other):
        raise RuntimeError("compared")

    def __hash__(self):
        raise RuntimeError("hashed")


class Unset(Outcome):
    def __init__(self):
        pass


def changed():
    outcome = Outcome()
    object.__setattr__(outcome, "warnings", "x")
    return outcome


def renamed():
    raise PermanentError(Text("x"), error_type=Text("Mine"))


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (lambda: Text("high"), "job.succeeded"),
        (lambda: Outcome(Text("high")), "job.succeeded"),
        (Unset, "job.failed"),
        (changed, "job.failed"),
        (renamed, "job.failed"),
    ],
)
def test_the_worker_goes_on(tmp_path, answer, end):
    with closing(Place(tmp_path, TickingClock())) as place:
        place.enqueue(2)
        place.worker(
            lambda job: answer() if job.id == 1 else None, wait=True, breaker_failures=99
        ).run()
        assert ends_of(place.data) == {1: [end], 2: ["job.succeeded"]}
