"""A worker's circuit breaker, told of each attempt; its changes go to the log and to people."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from events.model import Failed, Succeeded
from worker.attempt import Failure
from worker.breaker import BreakerOpened, CircuitBreaker

if TYPE_CHECKING:
    from events.clock import Clock
    from sync_queue.jobs import LeasedJob
    from worker.breaker import Result, Transition
    from worker.letters import OutcomeEvent
    from worker.listener import WorkerListener
    from worker.options import WorkerOptions
    from worker.pool import Finished
    from worker.recorder import Recorder


class BreakerWatch:
    """Feeds a circuit breaker, and tells when it opens and closes.

    Args:
        options: When it opens, and for how long.
        clock: The monotonic clock.
        recorder: Takes the events ``breaker.opened`` and ``breaker.closed``.
        listener: Told the same in words.
    """

    def __init__(
        self, options: WorkerOptions, *, clock: Clock, recorder: Recorder, listener: WorkerListener
    ) -> None:
        self._breaker = CircuitBreaker(options.breaker_failures, options.breaker_cooldown_s)
        self._clock = clock
        self._recorder = recorder
        self._listener = listener

    @property
    def failures(self) -> int:
        """Transient failures in a row so far."""
        return self._breaker.failures

    @property
    def is_calm(self) -> bool:
        """Whether nothing fails: then a success need not be told by `ended`."""
        return self._breaker.is_calm

    def may_begin(self) -> int | None:
        """How many attempts may begin now; None: any number."""
        return self._breaker.may_begin(self._clock.monotonic_ns())

    def began(self, jobs: list[LeasedJob]) -> list[tuple[LeasedJob, int]]:
        """Note that attempts begin: each with the ticket to end it with."""
        now_ns = self._clock.monotonic_ns()
        if self._breaker.state(now_ns) == "closed":  # then an attempt that begins changes nothing
            return list(zip(jobs, repeat(self._breaker.began(now_ns))))
        return [(job, self._breaker.began(now_ns)) for job in jobs]

    def withdrawn(self, ticket: int) -> None:
        """Note that it did not begin after all."""
        self._breaker.record("neutral", ticket, self._clock.monotonic_ns())

    def ended(self, done: Finished, event: OutcomeEvent) -> bool:
        """Note an outcome; say whether it opened the breaker."""
        verdict: Result = "neutral"
        cause = ""
        if isinstance(event, Succeeded):
            verdict = "success"
        elif isinstance(event, Failed) and isinstance(done.result, Failure):
            cause = f"{event.error_type}: {event.error}"
            if done.result.cause == "transient":
                verdict = "transient"
        change = self._breaker.record(verdict, done.ticket, self._clock.monotonic_ns(), cause)
        return change is not None and self._tell(change)

    def _tell(self, change: Transition) -> bool:
        if isinstance(change, BreakerOpened):
            self._recorder.emit(
                change.event,
                level="warning",
                cause=change.cause,
                failures=change.failures,
                cooldown_s=change.cooldown_s,
            )
            self._listener.notice(
                f"circuit breaker opened after {change.failures} failures in a row "
                f"({change.cause}); the next trial is in {change.cooldown_s:g} s"
            )
            return True
        self._recorder.emit(
            change.event, cause=change.cause, failures=change.failures, open_s=change.open_s
        )
        self._listener.notice(f"circuit breaker closed ({change.cause})")
        return False
