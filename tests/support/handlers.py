"""Jobs and waiting for tests of handlers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from worker.handlers.base import Job

if TYPE_CHECKING:
    from collections.abc import Callable


def make_job(data: Any = None, **changes: Any) -> Job:
    """A job as the worker hands it out."""
    fields: dict[str, Any] = {
        "id": 42,
        "kind": "metadata",
        "scene_id": 7,
        "data": {} if data is None else data,
        "attempt": 1,
        "key": "scene_7",
        "enqueued_at": datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC),
    }
    return Job(**fields | changes)


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 20.0) -> None:
    """Wait for something that another process does; far longer than it takes."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)
