"""One attempt of a job: the handler's call, and what its answer or its error comes to.

All of it runs in a thread of the pool, under the attempt's time: an error's ``__str__`` is the
handler's code as much as the handler is, so it may raise, or never return.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from events.clock import EPOCH
from events.exceptions import describe, error_name
from events.model import UNKNOWN_ERROR, Failed, Skipped, Succeeded
from sync_queue.errors import InvalidJobError
from worker.errors import (
    HandlerStopped,
    HandlerTimeout,
    PermanentError,
    TransientError,
    recorded_type,
)
from worker.handlers.base import Job, Outcome, as_outcome
from worker.retry import Decision, RetryPolicies, classify, decide

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from events.clock import Clock
    from events.redaction import Redactor
    from sync_queue.jobs import LeasedJob
    from worker.handlers.base import Handler
    from worker.letters import OutcomeEvent
    from worker.retry import Cause


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed: nothing but plain values is left of its error.

    Attributes:
        error_type: The name under which it is recorded, everywhere the same; redacted.
        message: What went wrong; redacted.
        traceback: Structured, see `events.exceptions`.
        cause: Which schedule counts it, and whether the circuit breaker does.
        decision: When the job is tried again, if ever.
        stopped: The handler ended it because it was told to stop: no fault of the job.
    """

    error_type: str
    message: str
    traceback: list[dict[str, Any]]
    cause: Cause
    decision: Decision
    stopped: bool = False


Result = Outcome | Failure


class Attempts:
    """Runs attempts. Whatever the handler does, the answer is a `Result`; nothing is raised.

    Args:
        handler: What a job is given to.
        policies: When failed jobs are tried again.
        rng: Jitter of the retries.
        redactor: Masks secrets in errors.
        clock: The time from which a retry is counted.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        policies: RetryPolicies,
        rng: Random,
        redactor: Redactor,
        clock: Clock,
    ) -> None:
        self._handler = handler
        self._policies = policies
        self._rng = rng
        self._redactor = redactor
        self._clock = clock

    def run(self, leased: LeasedJob) -> Result:
        """Give a job to the handler."""
        try:
            try:
                job = job_of(leased)
            except InvalidJobError as error:  # it will never be readable
                damaged = PermanentError(str(error), error_type=InvalidJobError.__name__)
                return self._failure(leased, damaged)
            return as_outcome(self._handler(job))
        except BaseException as error:  # noqa: BLE001 -- SystemExit too ends the attempt, not us
            return self._failure(leased, error)

    def timed_out(self, leased: LeasedJob, timeout_s: float) -> Failure:
        """What an attempt comes to that outlived its time."""
        return self._failure(
            leased, HandlerTimeout(f"the handler took longer than {timeout_s:g} s")
        )

    def _failure(self, leased: LeasedJob, error: BaseException) -> Failure:
        try:
            return self._judge(leased, error)
        except BaseException as broken:  # noqa: BLE001 -- an error that raises when it is looked at
            # Not by __name__: a metaclass may raise at that.
            name = type.__dict__["__name__"].__get__(type(broken))
            what = f"(an error that cannot be told: looking at it raised {name})"
        try:
            return self._judge(leased, TransientError(what, error_type=UNKNOWN_ERROR))
        except BaseException:  # noqa: BLE001 -- the job's own row is damaged: no thread may end of it
            return Failure(UNKNOWN_ERROR, what, [], "permanent", Decision(None, "transient"))

    def _judge(self, leased: LeasedJob, error: BaseException) -> Failure:
        if isinstance(error, SystemExit):  # its own message is nothing but a number
            error = _of_exit(error)
        name, message, traceback = describe(error, self._redactor)
        own_name = recorded_type(error)
        return Failure(
            error_type=(
                name if own_name == type(error).__name__ else error_name(own_name, self._redactor)
            ),
            message=message,
            traceback=traceback,
            cause=classify(error),
            decision=decide(
                error,
                failures=leased.failures,
                not_found=leased.not_found,
                policies=self._policies,
                rng=self._rng,
                now_us=self._clock.now_us(),
            ),
            stopped=isinstance(error, HandlerStopped),
        )


def job_of(leased: LeasedJob) -> Job:
    """What a handler is given of a leased job.

    Raises:
        InvalidJobError: What is stored of it is damaged.
    """
    try:
        enqueued_at = _moment(leased.enqueued_at_us)
    except OverflowError:
        raise InvalidJobError(
            f"the stored time of enqueuing is damaged: {leased.enqueued_at_us} microseconds"
        ) from None
    return Job(
        leased.id,
        leased.kind,
        leased.scene_id,
        leased.payload(),
        leased.attempt,
        leased.job_key,
        enqueued_at,
    )


@lru_cache(maxsize=128)  # what was enqueued together has one time
def _moment(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)


def _of_exit(error: SystemExit) -> TransientError:
    told = TransientError(
        f"the handler called sys.exit({error.code!r})", error_type=SystemExit.__name__
    )
    told.__cause__ = error
    return told


def event_of(job: LeasedJob, result: Result, *, duration_ns: int, wait_ns: int) -> OutcomeEvent:
    """The outcome to be recorded of an attempt.

    Args:
        job: As it was leased.
        result: What the attempt came to.
        duration_ns: How long it took, in nanoseconds.
        wait_ns: How long after it was due it began, in nanoseconds.
    """
    # Written out three times: the common fields in a dict would take longer, for every job.
    if isinstance(result, Failure):
        return Failed(
            job_id=job.id,
            kind=job.kind,
            attempt=job.attempt,
            scene_id=job.scene_id,
            duration_ns=duration_ns,
            wait_ns=wait_ns,
            error_type=result.error_type,
            error=result.message,
            to_dlq=result.decision.is_dead,
            retry_at_us=result.decision.retry_at_us,
            policy=result.decision.policy,
            exception=result.traceback,
            is_redacted=True,
        )
    if result.skipped:
        return Skipped(
            job_id=job.id,
            kind=job.kind,
            attempt=job.attempt,
            scene_id=job.scene_id,
            duration_ns=duration_ns,
            wait_ns=wait_ns,
            warnings=result.warnings,
        )
    return Succeeded(
        job_id=job.id,
        kind=job.kind,
        attempt=job.attempt,
        scene_id=job.scene_id,
        duration_ns=duration_ns,
        wait_ns=wait_ns,
        confidence=result.confidence,
        warnings=result.warnings,
    )
