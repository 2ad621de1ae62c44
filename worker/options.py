"""How a worker works."""

from __future__ import annotations

from dataclasses import dataclass, field

from worker.retry import RetryPolicies

DEFAULT_GRACE_S = 8.0


@dataclass(frozen=True)
class WorkerOptions:
    """How a worker works.

    Attributes:
        concurrency: Jobs that run at once.
        batch: Jobs that are leased to this worker at once, running or waiting for a thread.
        timeout_s: Seconds after which an attempt fails with ``HandlerTimeout``; None for never.
        grace_s: Seconds that a graceful stop waits for what is running.
        drain: End when no job is due and none is leased to any worker.
        wait: With ``drain``: wait for the jobs that are scheduled for later, too.
        summary_every: Outcomes after which a summary is given; 0 for at the end only.
        poll_s: Seconds after which a worker with nothing to do looks for new jobs.
        policies: When failed jobs are tried again.
        breaker_failures: Transient failures in a row that open the circuit breaker; None: none do.
        breaker_cooldown_s: Seconds until it lets one trial through.
        storage_retry_s: Seconds between two tries to write to a data folder that refuses.
        storage_give_up_s: With ``drain``: seconds after which such a worker gives up.
    """

    concurrency: int = 1
    batch: int = 32
    timeout_s: float | None = None
    grace_s: float = DEFAULT_GRACE_S
    drain: bool = False
    wait: bool = False
    summary_every: int = 100
    poll_s: float = 0.25
    policies: RetryPolicies = field(default_factory=RetryPolicies)
    breaker_failures: int | None = 5
    breaker_cooldown_s: float = 60.0
    storage_retry_s: float = 1.0
    storage_give_up_s: float = 60.0
