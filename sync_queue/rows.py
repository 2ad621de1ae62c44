"""Jobs and endings as rows of values for the queue's statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from events.limits import MAX_INTEGER
from sync_queue.errors import InvalidJobError
from sync_queue.job_lines import dump, is_text

if TYPE_CHECKING:
    from sync_queue.jobs import Ending, NewJob


def job_row(job: NewJob, now_us: int, retried_from: str | None = None) -> tuple[Any, ...]:
    """The values of ``enqueue.sql``, checked: a Struct does not check what it is made of.

    Args:
        job: What is to be done.
        now_us: When it is added, and due unless it says otherwise.
        retried_from: The mark of the dead letter that it retries.

    Raises:
        InvalidJobError: A field cannot be stored; the message names it.
    """
    if job.scene_id is not None and not _is_integer(job.scene_id, -MAX_INTEGER):
        raise InvalidJobError("scene_id must be an integer of 64 bits, or None")
    if not is_text(job.kind) or not job.kind:
        raise InvalidJobError("kind must be text (UTF-8) that is not empty")
    if job.job_key is not None and not is_text(job.job_key):
        raise InvalidJobError("job_key must be text (UTF-8), or None")
    if job.due_at_us is not None and not _is_integer(job.due_at_us, 0):
        raise InvalidJobError("due_at_us must be microseconds since 1970, or None")
    due_at_us = now_us if job.due_at_us is None else job.due_at_us
    data = dump(job.data)
    return (job.scene_id, job.kind, data, job.job_key, due_at_us, now_us, retried_from)


def retry_row(stream: str, ending: Ending) -> tuple[Any, ...]:
    """The values of ``retry_later.sql`` for an ending that has a time."""
    return (
        ending.retry_at_us,
        ending.policy == "transient",
        ending.policy == "not_found",
        ending.job_id,
        ending.attempt,
        stream,
        ending.seq,
    )


def _is_integer(value: object, lowest: int) -> bool:
    return isinstance(value, int) and type(value) is not bool and lowest <= value <= MAX_INTEGER
