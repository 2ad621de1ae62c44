"""Jobs as JSON: the text that is stored, and the lines that `syncstats enqueue` reads.

The standard library's `json` is used on purpose: lone surrogates and integers beyond 64 bits reach
the handler unchanged, where a faster library would refuse or round them.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

from events.limits import MAX_DEPTH, MAX_INTEGER
from sync_queue.errors import InvalidJobError
from sync_queue.jobs import NewJob

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_LINE_BYTES: Final = 1024 * 1024
"""A job line's length without its end of line."""

_KEYS: Final = ("scene_id", "update_type", "data", "job_key")


def dump(data: Any) -> str:
    """Write a JSON value as ASCII text: what JSON has no word for is refused, never replaced.

    Raises:
        InvalidJobError: ``data`` holds NaN, an infinity, an object that JSON does not know or
            itself, or nests deeper than `MAX_DEPTH`.
    """
    try:
        text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidJobError(f"the job's data cannot be stored as JSON: {error}") from error
    _check_depth(data, text)
    return text


def load(text: str) -> Any:
    """Read a JSON value, exactly: `dump`'s inverse.

    Raises:
        InvalidJobError: ``text`` is no JSON, holds NaN, an infinity or a number too large for a
            float, an integer of more than 4,300 digits, or nests deeper than `MAX_DEPTH`.
    """
    try:
        data = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise InvalidJobError(f"not JSON: {error}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidJobError(f"JSON that cannot be used: {error}") from error
    _check_depth(data, text)
    return data


def parse_job(line: bytes | str) -> NewJob:
    """Read one job line: an object with ``scene_id``, ``update_type``, ``data``, ``job_key``.

    Args:
        line: One line of JSON Lines; bytes are UTF-8.

    Raises:
        InvalidJobError: The line is no such object; the message names the field.
    """
    if len(line) > MAX_LINE_BYTES + 2:  # its end of line may be "\r\n"
        raise InvalidJobError(f"longer than {MAX_LINE_BYTES} bytes")
    if isinstance(line, bytes):
        try:
            line = line.decode()
        except UnicodeDecodeError as error:
            raise InvalidJobError(f"not UTF-8: {error}") from error
    fields = load(line)
    if not isinstance(fields, dict):
        raise InvalidJobError("not a JSON object")
    unknown = sorted(fields.keys() - set(_KEYS))
    if unknown:
        named = ascii(unknown[0])
        raise InvalidJobError(f"unknown key {named}; known are {', '.join(_KEYS)}")
    return job_from_fields(fields)


def job_from_fields(fields: Mapping[str, Any]) -> NewJob:
    """Make a new job from the fields of a job line, or of a stored job; other keys are ignored.

    Raises:
        InvalidJobError: A field has a wrong type; the message names it.
    """
    scene_id = fields.get("scene_id")
    if scene_id is not None and not (_is_integer(scene_id) and abs(scene_id) <= MAX_INTEGER):
        raise InvalidJobError("scene_id must be an integer of 64 bits, or null")
    kind = fields.get("update_type", "metadata")
    if not is_text(kind) or not kind:
        raise InvalidJobError("update_type must be text that is not empty")
    job_key = fields.get("job_key")
    if job_key is not None and not is_text(job_key):
        raise InvalidJobError("job_key must be text, or null")
    return NewJob(scene_id=scene_id, kind=kind, data=fields.get("data", {}), job_key=job_key)


def read_jobs(file: BinaryIO) -> Iterator[NewJob]:
    r"""Read job lines one at a time; lines end at ``\n`` alone, and empty ones are nothing.

    Args:
        file: JSON Lines, also a pipe. Never more than one line is held.

    Raises:
        InvalidJobError: A line is no job; the message names the line, counted from 1.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 2):
        number += 1
        content = line.rstrip(b"\r\n")
        if len(content) > MAX_LINE_BYTES:
            raise InvalidJobError(f"line {number}: longer than {MAX_LINE_BYTES} bytes")
        if content.strip():
            try:
                job = parse_job(content)
            except InvalidJobError as error:
                raise InvalidJobError(f"line {number}: {error}") from error
            yield job


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value: Any) -> bool:
    """Text that a column of the database can hold: lone surrogates have no UTF-8."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:40]} is too large for a number")
    return number


def _check_depth(data: Any, text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return  # the usual case: too few brackets to nest that deep
    pending = [(data, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, dict):
            inner: Any = value.values()
        elif isinstance(value, list | tuple):
            inner = value
        else:
            continue
        if depth > MAX_DEPTH:
            raise InvalidJobError(f"nested deeper than {MAX_DEPTH}")
        pending.extend((item, depth + 1) for item in inner)
