"""A worker that runs in a thread while the test looks on, and handlers that wait for the test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from worker.retry import Backoff, RetryPolicies

if TYPE_CHECKING:
    from worker.processor import SyncWorker, WorkerReport

LONG_S = 30
"""Far longer than anything here takes: a wait that is over by then has failed."""
AT_ONCE = RetryPolicies(Backoff(0, 0, 3), Backoff(0, 0, 4))
"""Tries again without a wait."""


class Gate:
    """A handler that waits for the test."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.began = threading.Semaphore(0)

    def __call__(self, _job: object) -> None:
        self.began.release()
        assert self.gate.wait(LONG_S)

    def wait_begun(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.began.acquire(timeout=LONG_S)


class Running:
    """A worker that runs in a thread.

    Attributes:
        report: What it ended with; there once `join` has returned.
    """

    report: WorkerReport

    def __init__(self, worker: SyncWorker) -> None:
        self.worker = worker
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.report = self.worker.run()

    def join(self) -> WorkerReport:
        self.thread.join(LONG_S)
        assert not self.thread.is_alive()
        return self.report


class Through:
    """A queue or dead letters that pass all calls on, but for what a subclass says."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
