"""A line of Oban's JSON logger."""

from __future__ import annotations

OBAN = {
    "source": "oban", "event": "job:stop", "id": 7, "worker": "Shop.Sync", "queue": "media",
    "state": "success", "duration": 1500, "queue_time": 10, "attempt": 1,
    "time": "2026-01-01T00:00:01Z",
}  # fmt: skip
