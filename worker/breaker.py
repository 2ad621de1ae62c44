"""A circuit breaker: stop asking a server that fails every time, and try it again later.

A pure state machine. Time is passed in; nothing in it locks, so one thread owns it.

    closed --(threshold transient failures in a row)--> open
    open --(cooldown over)--> half-open: one trial at a time
    half-open --(trial succeeds)--> closed, --(trial fails)--> open

Failures that say nothing about the server (an item that is not there, a job that can never work,
a skipped or interrupted one) are neutral: they neither count nor end the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from events.model import BREAKER_CLOSED, BREAKER_OPENED
from worker.errors import WorkerError
from worker.retry import MAX_WAIT_S, is_count, is_wait

State = Literal["closed", "open", "half_open"]
Result = Literal["success", "transient", "neutral"]

_NS_PER_S = 1_000_000_000
_MAX_CAUSE = 1_000


@dataclass(frozen=True, slots=True)
class BreakerOpened:
    """No attempt begins until the cooldown is over (event ``breaker.opened``).

    Attributes:
        cause: The failure that opened it.
        failures: Transient failures in a row so far, failed trials included.
        cooldown_s: Seconds until one trial is let through.
    """

    cause: str
    failures: int
    cooldown_s: float

    event = BREAKER_OPENED


@dataclass(frozen=True, slots=True)
class BreakerClosed:
    """Work goes on as usual (event ``breaker.closed``).

    Attributes:
        cause: What closed it.
        failures: Transient failures in a row before it closed.
        open_s: Seconds since it first opened.
    """

    cause: str
    failures: int
    open_s: float

    event = BREAKER_CLOSED


Transition = BreakerOpened | BreakerClosed


class CircuitBreaker:
    """Counts transient failures in a row and says how many attempts may begin.

    Args:
        threshold: Transient failures in a row that open it; None: none ever do.
        cooldown_s: Seconds from opening until one trial is let through.

    Raises:
        WorkerError: A number makes no breaker; the message names it.

    >>> breaker = CircuitBreaker(threshold=1, cooldown_s=60)
    >>> ticket = breaker.began(now_ns=0)
    >>> breaker.record("transient", ticket, now_ns=0, cause="TransientError: 502").event
    'breaker.opened'
    >>> breaker.may_begin(now_ns=59 * 10**9), breaker.may_begin(now_ns=60 * 10**9)
    (0, 1)
    """

    def __init__(self, threshold: int | None = 5, cooldown_s: float = 60.0) -> None:
        if threshold is not None and not is_count(threshold):
            raise WorkerError(f"threshold must be a whole number of at least 1, not {threshold!r}")
        if not is_wait(cooldown_s):
            raise WorkerError(
                f"cooldown_s must be between 0 and {MAX_WAIT_S:.0f} seconds, not {cooldown_s!r}"
            )
        self._threshold = threshold
        self._cooldown_s = cooldown_s
        self._cooldown_ns = round(cooldown_s * _NS_PER_S)
        self._failures = 0
        self._opened_ns: int | None = None
        self._first_opened_ns = 0
        self._trial = False
        # Attempts carry the period in which they began: one that began before the breaker opened
        # says nothing about the server now, and must not be taken for the trial.
        self._period = 0

    @property
    def failures(self) -> int:
        """Transient failures in a row so far."""
        return self._failures

    @property
    def is_calm(self) -> bool:
        """Whether it is closed and nothing fails: a success changes nothing then."""
        return self._failures == 0 and self._opened_ns is None

    def state(self, now_ns: int) -> State:
        """The state at ``now_ns`` (monotonic nanoseconds)."""
        if self._opened_ns is None:
            return "closed"
        return "open" if self.wait_ns(now_ns) else "half_open"

    def wait_ns(self, now_ns: int) -> int:
        """Nanoseconds until an attempt may begin as far as time goes; 0 unless open."""
        if self._opened_ns is None:
            return 0
        return max(0, self._opened_ns + self._cooldown_ns - now_ns)

    def may_begin(self, now_ns: int) -> int | None:
        """How many attempts may begin at ``now_ns``: None is any number, half-open allows one."""
        state = self.state(now_ns)
        if state == "closed":
            return None
        return 1 if state == "half_open" and not self._trial else 0

    def began(self, now_ns: int) -> int:
        """Note that an attempt begins; its ticket goes to :meth:`record` when it ends.

        Ask :meth:`may_begin` first. An attempt that begins in spite of it counts for nothing.
        """
        if self._opened_ns is None:
            return self._period
        if self.may_begin(now_ns) == 0:
            return -1
        self._trial = True
        return self._period

    def record(
        self, result: Result, ticket: int, now_ns: int, cause: str = ""
    ) -> Transition | None:
        """Note how an attempt ended.

        Args:
            result: ``neutral`` for what says nothing about the server: not found, permanent,
                skipped, interrupted. Every ticket is to be recorded, else a trial never ends.
            ticket: From :meth:`began`.
            now_ns: Monotonic nanoseconds.
            cause: What happened, for people: told by the transition.

        Returns:
            The transition that this caused, to be written as an event; mostly None.
        """
        if ticket != self._period:
            return None
        self._trial = False
        if result == "neutral":
            return None
        if result == "transient":
            return self._failed(now_ns, cause)
        return self._succeeded(now_ns, cause)

    def _failed(self, now_ns: int, cause: str) -> Transition | None:
        self._failures += 1
        if self._opened_ns is None:
            if self._threshold is None or self._failures < self._threshold:
                return None
            self._first_opened_ns = now_ns
        self._opened_ns = now_ns
        self._period += 1
        return BreakerOpened(cause[:_MAX_CAUSE], self._failures, self._cooldown_s)

    def _succeeded(self, now_ns: int, cause: str) -> Transition | None:
        failures, self._failures = self._failures, 0
        if self._opened_ns is None:
            return None
        self._opened_ns = None
        self._period += 1
        open_s = (now_ns - self._first_opened_ns) / _NS_PER_S
        return BreakerClosed(cause[:_MAX_CAUSE] or "the trial succeeded", failures, open_s)
