"""Event lines as a worker writes them, for tests of the log."""

from __future__ import annotations

import orjson

TIMESTAMP = "2026-11-24T12:00:00.123456Z"


def outcome_line(seq, stream="s", event="job.succeeded", **fields):
    """One outcome, with its line end."""
    return event_line(seq, stream, event, timestamp=TIMESTAMP, job_id=seq, **fields)


def event_line(seq, stream="s", event="worker.started", **fields):
    """One event, with its line end."""
    return orjson.dumps({"event": event, "v": 1, "stream": stream, "seq": seq, **fields}) + b"\n"
