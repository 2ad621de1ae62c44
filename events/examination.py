"""A close look at a line that the fast way of `events.codec.decode` did not take.

It is read again with the standard library's parser, whose grammar is RFC 8259's and which keeps
what a typed parser refuses as a whole; so it can be told what is wrong, and which ``seq`` an
invalid line takes up.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from events.errors import InvalidLineError
from events.json_text import bare, check_length, check_unicode, is_unicode, parse_object, refuse
from events.limits import MAX_DEPTH
from events.model import OUTCOMES, SCHEMA_VERSION, Line
from events.nesting import flatten, is_too_deep

_FIELDS: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Line)}
_NOT_OF_OUTCOMES = frozenset({"epoch", "queue_id", "host", "pid", "version"})
"""Fields of `Line` that the format gives to other events: no outcome is refused for one of them."""
_MOMENTS = ("timestamp", "retry_at")
_LEAP_SECOND = re.compile(r"(?<=:\d\d:)60(?:\.\d+)?(?=[Zz+-])", re.ASCII)


def is_representable(moment: datetime | UnsetType) -> bool:
    """Tell whether an aware ``moment`` has a UTC value (years 1 to 9999), or is not there."""
    if moment is UNSET or 1 < moment.year < 9999:
        return True
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def examine(line: bytes) -> Line:
    """Read a line as `events.codec.decode` says, slowly, and with a reason for what is refused.

    Raises:
        InvalidLineError: With the line's stream and seq, where it is a JSON object that has them
            (also one that is only nested too deep, or not wholly UTF-8).
    """
    check_length(line)
    text, flaw = _as_text(bare(line))
    found = _parse(text, flaw)
    try:
        if flaw:
            refuse(flaw)
        check_unicode(text, found)
        return _build(found)
    except InvalidLineError as error:
        stream = _read("stream", found)
        seq = _read("seq", found)
        raise InvalidLineError(
            error.reason,
            None if stream is UNSET or not is_unicode(stream) else stream,
            None if seq is UNSET else seq,
        ) from None


def _as_text(line: bytes) -> tuple[str, str]:
    """A line as text that can be parsed, and what alone makes it invalid ("" if nothing)."""
    flaw = ""
    if is_too_deep(line):
        flaw = f"nested deeper than {MAX_DEPTH}"
        line = flatten(line)
    try:
        return line.decode(), flaw
    except UnicodeDecodeError as error:
        return line.decode(errors="surrogateescape"), flaw or f"not UTF-8 at byte {error.start}"


def _parse(text: str, flaw: str) -> dict[str, Any]:
    try:
        return parse_object(text)
    except InvalidLineError:
        if flaw:
            refuse(flaw)
        raise


def _build(found: dict[str, Any]) -> Line:
    """The event in a JSON object.

    Raises:
        InvalidLineError: Its version is unknown, or it is an outcome whose fields are wrong.
    """
    version = found.get("v")
    if type(version) is int and version != SCHEMA_VERSION:
        age = "newer" if version > SCHEMA_VERSION else "unknown"
        refuse(f"schema version {version} is {age}; this program reads {SCHEMA_VERSION}")
    event = found.get("event")
    if isinstance(event, str) and event in OUTCOMES:
        return _build_outcome(found)
    fields = {name: _read(name, found) for name in _FIELDS if name in found}
    fields = {name: value for name, value in fields.items() if value is not UNSET}
    _drop_empty_error_type(fields)
    if not ("stream" in fields and "seq" in fields):
        fields.pop("stream", None)
        fields.pop("seq", None)
    return Line(**fields)


def _build_outcome(found: dict[str, Any]) -> Line:
    fields: dict[str, Any] = {}
    for name in _FIELDS:
        if name not in found:
            continue
        try:
            fields[name] = _convert(name, found[name])
        except (ValueError, OverflowError) as error:
            if name not in _NOT_OF_OUTCOMES:
                refuse(f"{name}: {error}")
    if "timestamp" not in fields:
        refuse("an outcome without timestamp")
    if ("stream" in fields) is not ("seq" in fields):
        refuse("stream without seq" if "stream" in fields else "seq without stream")
    _drop_empty_error_type(fields)
    return Line(**fields)


def _drop_empty_error_type(fields: dict[str, Any]) -> None:
    if not fields.get("error_type"):
        fields.pop("error_type", None)


def _read(name: str, found: dict[str, Any]) -> Any:
    """A field's value; UNSET if it is missing or of the wrong type."""
    try:
        return _convert(name, found[name]) if name in found else UNSET
    except (ValueError, OverflowError):
        return UNSET


def _convert(name: str, value: Any) -> Any:
    if name in _MOMENTS and isinstance(value, str):
        # A leap second is RFC 3339; it ends the second before it.
        value = _LEAP_SECOND.sub("59.999999", value, count=1)
    converted = msgspec.convert(value, _FIELDS[name])
    if name in _MOMENTS and not is_representable(converted):
        raise ValueError("before the year 1 or after 9999 in UTC")
    return converted
