"""The job inside a dead letter: how it is stored, read again, and made into a new job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sync_queue.errors import InvalidJobError
from sync_queue.job_lines import dump, job_from_fields
from sync_queue.predecessor import is_pickle, read_pickled_job
from sync_queue.showable import NOTES_KEY, showable_job

if TYPE_CHECKING:
    from sync_queue.jobs import NewJob


def encode_job(job: dict[str, Any]) -> bytes:
    """Write a job as JSON; of one that JSON cannot hold, what can be shown of it."""
    try:
        return dump(job).encode()
    except InvalidJobError:
        return json.dumps(showable_job(job)).encode()


def decode_job(data: object) -> dict[str, Any] | None:
    """Read a stored job: JSON, or a predecessor's pickle. None where none was stored.

    Raises:
        InvalidJobError: It is damaged, or holds what is no plain value.
    """
    if data is None:
        return None
    raw = data.encode() if isinstance(data, str) else data
    if not isinstance(raw, bytes):
        raise InvalidJobError(f"the stored job is damaged: it is a {type(raw).__name__}")
    if is_pickle(raw):
        return read_pickled_job(raw)
    try:
        job = json.loads(raw)
    except (ValueError, RecursionError) as error:
        # protocols 0 and 1 of pickle have no mark at their start
        return _read_old_pickle(raw, error)
    if not isinstance(job, dict):
        raise InvalidJobError("the stored job is no JSON object")
    return job


def _read_old_pickle(raw: bytes, not_json: Exception) -> dict[str, Any]:
    try:
        return read_pickled_job(raw)
    except InvalidJobError:
        raise InvalidJobError(f"the stored job is damaged: {not_json}") from not_json


def job_to_retry(job: dict[str, Any] | None, *, from_log: bool = False) -> NewJob:
    """Make a new job of a stored one.

    Args:
        job: The job's fields, if there are any.
        from_log: Its letter was put back from the log.

    Raises:
        InvalidJobError: None was stored, a field has a wrong type, or the job was stored only as
            far as JSON could hold it.
    """
    if job is None:
        raise InvalidJobError(
            "it was put back from the log, which does not hold its job"
            if from_log
            else "no job was stored with it"
        )
    if NOTES_KEY in job:
        raise InvalidJobError("it could be stored only in part")
    new = job_from_fields(job)
    dump(new.data)  # a pickle may hold bytes or NaN, which no job line could bring
    return new
