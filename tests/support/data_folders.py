"""Data folders as a run would leave them, made without one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue

if TYPE_CHECKING:
    from pathlib import Path


def event(
    seq: int, name: str = "job.succeeded", stream: str = "a", **fields: Any
) -> dict[str, Any]:
    """An event of a stream, one second after the one before it."""
    happened = f"2026-01-01T00:{seq // 60:02d}:{seq % 60:02d}Z"
    outcome = {"job_id": seq, "scene_id": seq, "attempt": 1, "duration_ns": 100_000_000}
    return {
        "event": name,
        "v": 1,
        "stream": stream,
        "seq": seq,
        "timestamp": happened,
        **(outcome if name.startswith("job.") else {}),
        **fields,
    }


def lines_of(*events: dict[str, Any] | str) -> str:
    """Events as lines; text stays as it is."""
    return "".join(f"{e if isinstance(e, str) else json.dumps(e)}\n" for e in events)


def write_log(data: Path, *events: dict[str, Any] | str, stream: str = "a", first: int = 0) -> Path:
    """Write a segment of a stream."""
    folder = data / "events" / stream
    folder.mkdir(parents=True, exist_ok=True)
    segment = folder / f"{first:020d}.jsonl"
    segment.write_text(lines_of(*events))
    return segment


def opened(stream: str = "a") -> dict[str, Any]:
    return event(0, "stream.opened", stream=stream, epoch="e1", host="h", pid=1, version="0")


def a_log() -> list[dict[str, Any]]:
    """Five outcomes of five jobs, and their opening."""
    return [
        opened(),
        event(1),
        event(2, confidence="guess", warnings=2),
        event(3, "job.failed", error_type="Timeout", retry_at="2026-01-01T00:10:00Z"),
        event(4, "job.failed", error_type="PlexNotFound", error="no item", to_dlq=True),
        event(5, "job.skipped"),
        event(6, attempt=2, job_id=3, duration_ns=2_300_000_000, wait_ns=1_000_000),
    ]


def enqueue(data: Path, *jobs: NewJob) -> None:
    with JobQueue(data) as queue:
        queue.enqueue_many(jobs)


def die(folder: Path, error: BaseException, /, **job: Any) -> int:
    """Add a dead letter; gives its id."""
    return DeadLetterQueue(folder).add(job, error, 3)


def whole(data: Path) -> Path:
    """A folder with a log, waiting jobs and dead letters."""
    write_log(data, *a_log())
    enqueue(data, NewJob(1), NewJob(2, due_at_us=4_000_000_000_000_000))
    die(data, LookupError("no item"), scene_id=4, update_type="metadata", data={}, job_id=4)
    die(data, ValueError("bad"), scene_id=5, update_type="metadata", data={}, job_id=5)
    return data
