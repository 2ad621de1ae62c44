"""Dead letters and queue endings, made from outcomes: the same ones live and in a take-over.

What step 4 of the protocol needs stands in the outcome's line and in the leased job, so that a
worker which takes over can repeat it from the log alone.
"""

from __future__ import annotations

from textwrap import indent
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

MAX_NESTED = 10
"""How many groups within one another a trace tells: as many as `events.exceptions` writes."""


def ending_of(event: OutcomeEvent, seq: int) -> Ending:
    """What an outcome that this process made means for its job."""
    if not isinstance(event, Failed):
        return Ending(event.job_id, event.attempt, seq)
    if not event.to_dlq:
        return Ending(
            event.job_id,
            event.attempt,
            seq,
            retry_at_us=event.retry_at_us or 0,
            policy="not_found" if event.policy == NOT_FOUND else "transient",
        )
    return Ending(event.job_id, event.attempt, seq, dead=True)


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
    return Ending(line.job_id, line.attempt, line.seq, dead=line.event == JOB_FAILED)


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


def letter_from_log(line: Line, stream: str, seq: int) -> DeadLetter:
    """The dead letter of an outcome that was found in a log alone: all but its job."""
    return DeadLetter(
        job_id=None if line.job_id is UNSET else line.job_id,
        scene_id=None if line.scene_id is UNSET else line.scene_id,
        job=None,
        error_type=line.error_type,
        error_message=line.error,
        stack_trace=trace_text(line.exception),
        retry_count=None,
        failed_at_us=0 if line.timestamp is UNSET else to_us(line.timestamp),
        stream=stream,
        seq=seq,
    )


def trace_text(exception: Any) -> str:
    """A structured traceback as people read one: the outermost cause first.

    Notes follow their error; members of a group follow it too, indented.

    Args:
        exception: As `events.exceptions.describe` makes it, or whatever else a log holds.
    """
    return _chain_text(exception, MAX_NESTED)


def _chain_text(chain: Any, levels: int) -> str:
    if not isinstance(chain, list):
        return ""
    parts = [_error_text(error, levels) for error in reversed(chain) if isinstance(error, dict)]
    return "\n\n".join(parts)


def _error_text(error: dict[str, Any], levels: int) -> str:
    frames = [
        f'  File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
        for frame in _items(error, "frames")
        if isinstance(frame, dict)
    ]
    head = ["Traceback (most recent call last):", *frames] if frames else []
    notes = [note for note in _items(error, "exc_notes") if isinstance(note, str)]
    lines = [*head, f"{error.get('exc_type')}: {error.get('exc_value')}", *notes]
    if levels:
        members = [_chain_text(member, levels - 1) for member in _items(error, "exceptions")]
        for number, text in enumerate(members, 1):
            lines.append(f"  {number} of {len(members)} in this group:")
            lines.append(indent(text, "    "))
    return "\n".join(lines)


def _items(error: dict[str, Any], name: str) -> list[Any]:
    items = error.get(name)
    return items if isinstance(items, list) else []
