"""What a handler is: it gets one job and says how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from worker.errors import HandlerResultError

if TYPE_CHECKING:
    from datetime import datetime

MAX_WARNINGS = 2**63 - 1


class Job(msgspec.Struct, frozen=True):
    """One attempt of a job, as a handler sees it.

    An attempt whose worker dies runs again, so whatever a handler does must be safe to do twice.

    Attributes:
        id: The job's number in the queue, never used again for another.
        kind: What is to be done (``update_type`` of the job line).
        scene_id: The item that it is about, where it is about one.
        data: The job's own JSON value, decoded anew for each attempt.
        attempt: 1 for the first attempt, 2 for the next …
        key: The ``job_key`` under which it waited, where it has one.
        enqueued_at: When it came into the queue, aware.
    """

    id: int
    kind: str
    scene_id: int | None
    data: Any
    attempt: int
    key: str | None
    enqueued_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended that did not fail.

    Attributes:
        confidence: How sure the match was: ``high``, or anything else, which counts as low.
        warnings: How many warnings the attempt gave.
        skipped: There was nothing to do, by the user's own settings: neither success nor failure.

    Raises:
        HandlerResultError: A value has the wrong type; the message names it.
    """

    confidence: str = "high"
    warnings: int = 0
    skipped: bool = False

    def __post_init__(self) -> None:
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        if not isinstance(fields["confidence"], str):
            raise HandlerResultError(f"confidence must be a text, not {fields['confidence']!r}")
        if not isinstance(fields["skipped"], bool):
            raise HandlerResultError(f"skipped must be true or false, not {fields['skipped']!r}")
        warnings = fields["warnings"]
        if isinstance(warnings, bool) or not isinstance(warnings, int):
            raise HandlerResultError(f"warnings must be a whole number, not {warnings!r}")
        if not 0 <= warnings <= MAX_WARNINGS:
            raise HandlerResultError(f"warnings must be between 0 and 2^63 - 1, not {warnings!r}")


_SURE = Outcome()


class Handler(Protocol):
    """Does what a job asks for. Called from several threads at once."""

    @property
    def enforces_timeout(self) -> bool:
        """Whether it ends an attempt itself after its timeout; else the worker watches it."""
        ...

    @property
    def ending_s(self) -> float | None:
        """Seconds within which `stop` has ended what runs; None: it cannot end anything."""
        ...

    def __call__(self, job: Job) -> object:
        """Run one attempt.

        Returns:
            What :func:`as_outcome` takes.

        Raises:
            Exception: The attempt failed; :func:`worker.retry.classify` says what that means.
        """
        ...

    def stop(self) -> None:
        """The time for a graceful stop is over: end what runs now. Does not wait; idempotent."""
        ...

    def close(self) -> None:
        """Stop, and give back what is held. Takes no more jobs; idempotent."""
        ...


def as_outcome(returned: object) -> Outcome:
    """Read what a handler returned: nothing is a sure success, a text is a confidence.

    To be called within the attempt: what is returned may be of a class of the handler's own, whose
    code runs when it is looked at. Of that nothing is left in the outcome.

    Raises:
        HandlerResultError: It is none of these, or has values of wrong types.
        BaseException: Whatever the handler's own class raises.
    """
    if returned is None:
        return _SURE
    if isinstance(returned, Outcome):
        return Outcome(
            plain(returned.confidence), plain(returned.warnings), plain(returned.skipped)
        )
    if isinstance(returned, str):
        return Outcome(confidence=plain(returned))
    if hasattr(returned, "__await__"):
        getattr(returned, "close", lambda: None)()  # else Python warns that it was never awaited
        raise HandlerResultError(
            "the handler is asynchronous: wrap it in a function that calls asyncio.run()"
        )
    raise HandlerResultError(
        f"the handler returned {type(returned).__name__}: return None, "
        "a confidence such as 'high' or 'low', or worker.handlers.base.Outcome"
    )


def plain(value: Any) -> Any:
    """A text or whole number as Python's own: a subclass's ``__eq__`` or ``__hash__`` is code."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    return value
