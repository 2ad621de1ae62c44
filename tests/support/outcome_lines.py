"""Event lines as bytes, made from few words, for tests that read them."""

from __future__ import annotations

import json
from typing import Any

from events.clock import format_timestamp

BEGIN_US = 1_767_225_600_000_000  # 2026-01-01


def line(event: str, stream: str | None = "a", seq: int | None = 0, **fields: Any) -> bytes:
    """One event line with its end; ``at`` is its second after 2026-01-01, by default its seq."""
    at = fields.pop("at", seq or 0)
    record: dict[str, Any] = {"event": event, "v": 1}
    if stream is not None:
        record |= {"stream": stream, "seq": seq}
    record["timestamp"] = format_timestamp(BEGIN_US + round(at * 1_000_000))
    return json.dumps(record | fields).encode() + b"\n"


def succeeded(seq: int | None, stream: str | None = "a", **fields: Any) -> bytes:
    """A success of 0.1 s."""
    fields = {"job_id": 1, "attempt": 1, "duration_ns": 100_000_000} | fields
    return line("job.succeeded", stream, seq, **fields)


def failed(seq: int | None, stream: str | None = "a", **fields: Any) -> bytes:
    """A failure of 0.2 s that will be tried again."""
    fields = {
        "job_id": 2,
        "attempt": 1,
        "duration_ns": 200_000_000,
        "error_type": "PlexNotFound",
        "to_dlq": False,
    } | fields
    return line("job.failed", stream, seq, **fields)


def skipped(seq: int | None, stream: str | None = "a", **fields: Any) -> bytes:
    """An attempt with nothing to do."""
    return line("job.skipped", stream, seq, **({"job_id": 3, "attempt": 1} | fields))


def opened(seq: int, epoch: str, stream: str = "a") -> bytes:
    """The first line of an epoch."""
    return line("stream.opened", stream, seq, epoch=epoch)
