"""When a failed job is tried again: full-jitter exponential backoff, one schedule per cause.

Source of the formula: Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog,
2015), "full jitter": a wait drawn evenly from zero up to the exponential bound, so that jobs which
failed together do not come back together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from worker.errors import (
    HandlerError,
    PermanentError,
    PlexNotFound,
    WorkerError,
    recorded_type,
)

if TYPE_CHECKING:
    from random import Random

Policy = Literal["transient", "not_found"]
Cause = Literal["transient", "not_found", "permanent"]

MAX_WAIT_S = 365 * 86_400.0
"""No job waits longer than a year: a ``Retry-After`` beyond it is a mistake of the server."""

_MAX_DOUBLINGS = 64


def is_count(value: object) -> bool:
    """Whether ``value`` is a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_wait(value: object) -> bool:
    """Whether ``value`` is a number of seconds from 0 to :data:`MAX_WAIT_S`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_WAIT_S  # false for NaN, too


@dataclass(frozen=True, slots=True)
class Backoff:
    """A retry schedule.

    Attributes:
        base_s: Upper bound of the wait after the first failure, in seconds; it doubles with each
            further one.
        cap_s: The bound never exceeds this, in seconds.
        tries: Recorded failures after which the job is dead.

    Raises:
        WorkerError: A number makes no schedule; the message names it.
    """

    base_s: float
    cap_s: float
    tries: int

    def __post_init__(self) -> None:
        if not is_count(self.tries):
            raise WorkerError(f"tries must be a whole number of at least 1, not {self.tries!r}")
        for name in ("base_s", "cap_s"):
            if not is_wait(getattr(self, name)):
                value = getattr(self, name)
                raise WorkerError(
                    f"{name} must be between 0 and {MAX_WAIT_S:.0f} seconds, not {value!r}"
                )
        if self.cap_s < self.base_s:
            raise WorkerError(
                f"cap_s ({self.cap_s!r}) must not be below base_s ({self.base_s!r}): "
                "raise the cap or lower the base"
            )

    def bound_s(self, failure: int) -> float:
        """Longest wait after failure number ``failure`` (from 1) of a job, in seconds."""
        doublings = min(max(failure - 1, 0), _MAX_DOUBLINGS)
        return min(self.cap_s, self.base_s * 2.0**doublings)


@dataclass(frozen=True, slots=True)
class RetryPolicies:
    """The schedules of the causes that may pass.

    Attributes:
        transient: For everything that may work later.
        not_found: For an item that is not there yet: waits longer, tries more often.
    """

    transient: Backoff = Backoff(base_s=5.0, cap_s=80.0, tries=5)
    not_found: Backoff = Backoff(base_s=30.0, cap_s=600.0, tries=12)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a job after a failed attempt.

    Attributes:
        retry_at_us: When it is due again, in microseconds since 1970 UTC; None: it is dead.
        policy: The schedule that counts this failure. A permanent failure counts as transient,
            which no longer matters: the job is gone.
    """

    retry_at_us: int | None
    policy: Policy

    @property
    def is_dead(self) -> bool:
        """Whether the job becomes a dead letter."""
        return self.retry_at_us is None


def classify(error: BaseException) -> Cause:
    """Why an attempt failed: anything that does not say otherwise may pass (``transient``).

    An error of ours that is recorded as ``PlexNotFound`` (by its class or its ``error_type``)
    follows that schedule, so that what is recorded and what is done agree. ``PermanentError`` is
    permanent under whatever name it is recorded.
    """
    if isinstance(error, PermanentError):
        return "permanent"
    if isinstance(error, PlexNotFound):
        return "not_found"
    if isinstance(error, HandlerError) and recorded_type(error) == PlexNotFound.__name__:
        return "not_found"
    return "transient"


def decide(
    error: BaseException,
    *,
    failures: int,
    not_found: int,
    policies: RetryPolicies,
    rng: Random,
    now_us: int,
) -> Decision:
    """Decide whether and when a job is tried again after ``error``.

    Args:
        error: What the attempt raised.
        failures: Failures of this job recorded before this one on the transient schedule.
        not_found: The same on the not-found schedule. Tries count recorded failures, not
            attempts: an attempt that was interrupted uses up none.
        policies: The schedules.
        rng: Source of the jitter.
        now_us: The failure's time, in microseconds since 1970 UTC.

    Returns:
        The decision. ``retry_after_s`` of the error is a lower bound of the wait.
    """
    cause = classify(error)
    if cause == "permanent":
        return Decision(None, "transient")
    backoff, before = (
        (policies.not_found, not_found) if cause == "not_found" else (policies.transient, failures)
    )
    number = before + 1
    if number >= backoff.tries:
        return Decision(None, cause)
    wait_s = max(rng.uniform(0.0, backoff.bound_s(number)), _asked_wait_s(error))
    return Decision(now_us + round(wait_s * 1_000_000), cause)


def _asked_wait_s(error: BaseException) -> float:
    """Seconds that the error asks us to wait; 0 where it asks for nothing that makes sense."""
    # Set by a handler, so it may be anything, whatever its annotation says.
    asked: Any = error.retry_after_s if isinstance(error, HandlerError) else None
    if is_wait(asked):
        return float(asked)
    beyond = isinstance(asked, int | float) and MAX_WAIT_S < asked < math.inf
    return MAX_WAIT_S if beyond else 0.0
