"""Dead letters and queue endings, made from outcomes: the same ones live and in a take-over.

What step 4 of the protocol needs stands in the outcome's line and in the leased job, so that a
worker which takes over can repeat it from the log alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from events.clock import to_us
from events.model import JOB_FAILED, NOT_FOUND, Failed
from sync_queue.dead_letters import DeadLetter
from sync_queue.errors import InvalidJobError
from sync_queue.jobs import Ending

if TYPE_CHECKING:
    from events.model import Line, Skipped, Succeeded
    from sync_queue.jobs import LeasedJob

    OutcomeEvent = Succeeded | Failed | Skipped


def ending_of(event: OutcomeEvent, seq: int) -> Ending:
    """What an outcome that this process made means for its job."""
    if isinstance(event, Failed) and not event.to_dlq:
        return Ending(
            event.job_id,
            event.attempt,
            seq,
            retry_at_us=event.retry_at_us or 0,
            policy="not_found" if event.policy == NOT_FOUND else "transient",
        )
    return Ending(event.job_id, event.attempt, seq)


def ending_of_line(line: Line) -> Ending | None:
    """What an outcome read from a log means for its job; None where it names none."""
    if line.job_id is UNSET or line.seq is UNSET or line.attempt < 1:
        return None
    if line.event == JOB_FAILED and not line.to_dlq:
        return Ending(
            line.job_id,
            line.attempt,
            line.seq,
            retry_at_us=0 if line.retry_at is UNSET else to_us(line.retry_at),
            policy="not_found" if line.policy == NOT_FOUND else "transient",
        )
    return Ending(line.job_id, line.attempt, line.seq)


def letter_of(
    job: LeasedJob, event: Failed | Line, *, stream: str, seq: int, failed_at_us: int
) -> DeadLetter:
    """The dead letter of a job whose outcome this process made, or found in a log."""
    try:
        data = job.payload()
    except InvalidJobError:
        data = job.data  # damaged: kept as the text that it is
    return DeadLetter(
        job_id=job.id,
        scene_id=job.scene_id,
        job={
            "job_id": job.id,
            "scene_id": job.scene_id,
            "update_type": job.kind,
            "data": data,
            "job_key": job.job_key,
        },
        error_type=event.error_type,
        error_message=event.error,
        stack_trace=trace_text(event.exception),
        retry_count=job.failures + job.not_found + 1,
        failed_at_us=failed_at_us,
        stream=stream,
        seq=seq,
    )


def letter_of_line(job: LeasedJob, line: Line, stream: str, seq: int) -> DeadLetter:
    """The dead letter of a job whose outcome was found in a log."""
    died_us = 0 if line.timestamp is UNSET else to_us(line.timestamp)
    return letter_of(job, line, stream=stream, seq=seq, failed_at_us=died_us)


def trace_text(exception: Any) -> str:
    """A structured traceback as people read one: the outermost cause first."""
    if not isinstance(exception, list):
        return ""
    parts: list[str] = []
    for error in reversed(exception):
        if not isinstance(error, dict):
            continue
        frames = error.get("frames")
        lines = [
            f'  File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
            for frame in (frames if isinstance(frames, list) else [])
            if isinstance(frame, dict)
        ]
        head = ["Traceback (most recent call last):", *lines] if lines else []
        parts.append("\n".join([*head, f"{error.get('exc_type')}: {error.get('exc_value')}"]))
    return "\n\n".join(parts)
