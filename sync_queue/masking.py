"""Dead letters as they are shown: JSON-ready, with the secrets in their jobs masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from events.clock import format_timestamp
from sync_queue.errors import InvalidJobError
from sync_queue.job_lines import dump
from sync_queue.showable import showable_job

if TYPE_CHECKING:
    from events.redaction import Redactor
    from sync_queue.dead_letters import StoredLetter, WholeLetter


def shown_letter(letter: StoredLetter) -> dict[str, Any]:
    """A listed letter as a JSON object; its time as RFC 3339 in UTC."""
    failed_at = None if letter.failed_at_us is None else format_timestamp(letter.failed_at_us)
    return {
        "id": letter.id,
        "job_id": letter.job_id,
        "scene_id": letter.scene_id,
        "error_type": letter.error_type,
        "error_message": letter.error_message,
        "retry_count": letter.retry_count,
        "failed_at": failed_at,
        "stream": letter.stream,
        "seq": letter.seq,
        "from_log": letter.from_log,
    }


def shown_whole(whole: WholeLetter, redactor: Redactor) -> dict[str, Any]:
    """A whole letter as a JSON object, its job masked: it is stored as it was, to be retried.

    Args:
        whole: What `DeadLetterQueue.get` returned.
        redactor: Masks the secrets.
    """
    return {
        **shown_letter(whole.letter),
        "stack_trace": whole.stack_trace,
        "job": None if whole.job is None else shown_job(whole.job, redactor),
        "unreadable": whole.unreadable,
    }


def shown_job(job: dict[str, Any], redactor: Redactor) -> Any:
    """A job dict with its secrets masked, JSON-ready also where a pickle held what JSON cannot."""
    try:
        dump(job)
    except InvalidJobError:
        job = showable_job(job)
    return redactor.value(job)
