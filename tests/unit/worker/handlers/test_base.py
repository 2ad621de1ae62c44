from __future__ import annotations

import pytest

from tests.support.handlers import make_job
from worker.errors import HandlerResultError
from worker.handlers.base import Outcome, as_outcome


def test_nothing_is_a_sure_success():
    assert as_outcome(None) == Outcome(confidence="high", warnings=0, skipped=False)


def test_a_text_is_a_confidence():
    assert as_outcome("low") == Outcome(confidence="low")


def test_an_outcome_is_itself():
    outcome = Outcome("low", warnings=2, skipped=True)
    assert as_outcome(outcome) == outcome


class Text(str):
    """A text with a mind of its own."""

    __slots__ = ()


class Number(int):
    """A number with a mind of its own."""


class Mine(Outcome):
    """An outcome of a handler's own."""


@pytest.mark.parametrize("returned", [Text("low"), Mine(Text("low"), Number(0))])
def test_nothing_of_the_handlers_own_classes_is_left(returned):
    outcome = as_outcome(returned)
    assert outcome == Outcome("low")
    assert type(outcome) is Outcome
    assert (type(outcome.confidence), type(outcome.warnings)) == (str, int)


@pytest.mark.parametrize(("name", "value"), [("warnings", "x"), ("confidence", 1), ("skipped", 2)])
def test_an_outcome_that_was_changed_afterwards_is_checked_again(name, value):
    outcome = Outcome()
    object.__setattr__(outcome, name, value)
    with pytest.raises(HandlerResultError, match=f"^{name} "):
        as_outcome(outcome)


@pytest.mark.parametrize(
    "returned", [True, 0, 1.0, {"confidence": "low"}, ["low"], b"low", Outcome]
)
def test_anything_else_is_refused_by_its_type(returned):
    with pytest.raises(HandlerResultError, match=f"returned {type(returned).__name__}:"):
        as_outcome(returned)


def test_a_bad_result_is_a_type_error_for_those_who_know_no_other():
    with pytest.raises(TypeError):
        as_outcome(3)


def test_a_coroutine_is_refused_and_leaves_no_warning():
    async def handle():
        """Never runs."""

    with pytest.raises(HandlerResultError, match=r"asyncio\.run"):
        as_outcome(handle())


def test_an_awaitable_without_close_is_refused_too():
    class Promise:
        def __await__(self):
            """Never called."""

    with pytest.raises(HandlerResultError, match=r"asyncio\.run"):
        as_outcome(Promise())


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"confidence": None}, "confidence"),
        ({"confidence": 1}, "confidence"),
        ({"warnings": -1}, "warnings"),
        ({"warnings": True}, "warnings"),
        ({"warnings": 1.0}, "warnings"),
        ({"warnings": 2**63}, "warnings"),
        ({"skipped": 1}, "skipped"),
        ({"skipped": None}, "skipped"),
    ],
)
def test_an_outcome_with_a_wrong_value_names_it(fields, named):
    with pytest.raises(HandlerResultError, match=f"^{named} "):
        Outcome(**fields)


def test_a_job_is_frozen():
    with pytest.raises(AttributeError, match="immutable"):
        make_job().attempt = 2
