"""Dead letters as rows of the database, and back."""

from __future__ import annotations

import traceback
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from events.clock import EPOCH, to_us
from events.limits import MAX_INTEGER
from sync_queue.dead_letters import DeadLetter, StoredLetter
from sync_queue.letter_jobs import encode_job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_MESSAGE: Final = 64 * 1024
"""Characters kept of an error's message: half from its start, half from its end."""
MAX_TRACE: Final = 256 * 1024
"""Characters kept of a stack trace, likewise."""


def letter_from_error(job: dict[str, Any], error: BaseException, retry_count: int) -> DeadLetter:
    """Describe a job that died of ``error``; its texts are redacted and cut when they are stored.

    Args:
        job: The job's fields. Its id is ``job_id``, else ``pqid`` (the predecessor's name for it).
        error: What it died of; its own traceback is told, wherever this is called.
        retry_count: How many failures were recorded.
    """
    job_id = job.get("job_id")
    return DeadLetter(
        job_id=stored_integer(job.get("pqid") if job_id is None else job_id),
        scene_id=stored_integer(job.get("scene_id")),
        job=job,
        error_type=type(error).__name__,
        error_message=_message(error),
        stack_trace=_trace(error),
        retry_count=retry_count,
    )


def letter_row(letter: DeadLetter, redact: Callable[[str], str], now_us: int) -> dict[str, Any]:
    """The values of a letter's columns, by name.

    Args:
        letter: What is to be stored.
        redact: Masks secrets in a text.
        now_us: When it died, if it does not tell: microseconds since 1970 UTC.
    """
    failed_at_us = now_us if letter.failed_at_us is None else letter.failed_at_us
    return {
        "job_id": stored_integer(letter.job_id),
        "scene_id": stored_integer(letter.scene_id),
        "job_data": None if letter.job is None else encode_job(letter.job),
        "error_type": stored_text(letter.error_type, MAX_MESSAGE),
        # masked first: a cut through a secret could leave a half that no pattern knows
        "error_message": stored_text(redact(letter.error_message), MAX_MESSAGE),
        "stack_trace": stored_text(redact(letter.stack_trace), MAX_TRACE),
        "retry_count": (
            None
            if letter.retry_count is None
            else max(-MAX_INTEGER, min(letter.retry_count, MAX_INTEGER))
        ),
        "failed_at": format_failed_at(failed_at_us),
        "stream": letter.stream,
        "seq": letter.seq,
    }


def stored_letter(row: Sequence[Any], redact: Callable[[str], str]) -> StoredLetter:
    """Read a row of `list.sql`. Its message is masked again: a predecessor masked nothing.

    Args:
        row: The columns in the order of `StoredLetter`.
        redact: Masks secrets in a text.
    """
    letter_id, job_id, scene_id, error_type, message, retry_count, failed_at, *outcome = row
    stream, seq, from_log = outcome
    return StoredLetter(
        id=letter_id,
        job_id=job_id,
        scene_id=scene_id,
        error_type=error_type,
        error_message=None if message is None else redact(str(message)),
        retry_count=retry_count,
        failed_at_us=parse_failed_at(failed_at),
        stream=stream,
        seq=seq,
        from_log=bool(from_log),
    )


def stored_integer(value: Any) -> int | None:
    """The value if it is an integer that a column holds, else None (which no id is equal to)."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER:
        return int(value)
    return None


def stored_text(text: str, limit: int) -> str:
    """Text that a column holds: lone surrogates escaped, its middle cut out beyond ``limit``."""
    if len(text) > limit:
        kept = limit // 2
        text = f"{text[:kept]}\n…(cut, {len(text) - 2 * kept} characters)…\n{text[-kept:]}"
    return text.encode("utf-8", "backslashreplace").decode()


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error's own __str__ may raise anything
        return f"<{type(error).__name__} that cannot be shown>"


def _trace(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except Exception:  # noqa: BLE001 - notes, causes and source lines are foreign code too
        try:
            lines = traceback.format_tb(error.__traceback__)
        except Exception:  # noqa: BLE001 - the letter counts for more than its trace
            lines = ["<a trace that cannot be shown>"]
    return "".join(lines)


def format_failed_at(us: int) -> str:
    """Microseconds since 1970 as SQLite writes a time in UTC; texts sort as the times do."""
    moment = EPOCH + timedelta(microseconds=us)
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def parse_failed_at(text: Any) -> int | None:
    """Read a stored time (UTC unless it says otherwise) into microseconds since 1970."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return to_us(moment if moment.tzinfo else moment.replace(tzinfo=EPOCH.tzinfo))
