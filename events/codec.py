"""One line of bytes to one event and back, within the format's limits."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
from msgspec import UNSET

from events.encodable import PLAIN, encode_anyhow, is_plain
from events.examination import examine, is_representable
from events.limits import MAX_DEPTH, MAX_LINE_BYTES
from events.model import OUTCOMES, SCHEMA_VERSION, Line
from events.nesting import is_too_deep

_dumps = orjson.dumps
_NEWLINE = orjson.OPT_APPEND_NEWLINE
_NEVER_NULL = PLAIN - {float, type(None)}
_read = msgspec.json.Decoder(Line).decode
_SHORT = min(2 * MAX_DEPTH, MAX_LINE_BYTES - 1)
"""A line of at most so many bytes is neither too long nor too deep."""


def decode(line: bytes) -> Line:
    r"""Read one event from its line, with or without the ``\n`` at its end.

    An outcome is checked: each field of the format has its type and range, it has a timestamp,
    and ``stream`` and ``seq`` come both or neither. Any other JSON object is an event that is
    carried: a field of the wrong type counts as missing there, and so does one of ``stream`` and
    ``seq`` alone. Of duplicate keys the last one counts, as in most parsers.

    Raises:
        InvalidLineError: The line is no JSON object (RFC 8259; UTF-8 throughout, no lone
            surrogates, nested no deeper than `MAX_DEPTH`, no longer than `MAX_LINE_BYTES`), its
            version is unknown, or it is an outcome whose fields are wrong. Nothing else is
            raised, whatever the bytes.
    """
    # The way of nearly every line: one call into msgspec and a few comparisons. Whatever is
    # unusual is looked at again, field by field.
    if len(line) > _SHORT and (len(line) >= MAX_LINE_BYTES or is_too_deep(line)):
        return examine(line)
    try:
        if not line.isascii():
            line.decode()  # msgspec does not look into the strings that it skips
        found = _read(line)
    except (ValueError, RecursionError):
        return examine(line)
    if (
        found.v != SCHEMA_VERSION
        or (found.stream is UNSET) is not (found.seq is UNSET)
        or not found.error_type
        or (found.timestamp is UNSET and found.event in OUTCOMES)
        or not is_representable(found.timestamp)
        or not is_representable(found.retry_at)
    ):
        return examine(line)
    return found


def encode(fields: dict[str, Any]) -> bytes:
    r"""Write one event as its line, ``\n`` included: at most `MAX_LINE_BYTES`, always decodable.

    Whatever the values, this does not raise, since an outcome that is not written would not be
    counted; `events.encodable` says what becomes of values that JSON cannot hold. Of an event
    that is no outcome and cannot even be looked at, an ``event_unencodable`` keeps its ``name``
    and what can be kept.
    """
    if _NEVER_NULL.issuperset(map(type, fields.values())):  # the way of nearly every outcome
        try:
            line = _dumps(fields, None, _NEWLINE)
        except TypeError:  # an integer beyond 64 bits, a lone surrogate, a key that is no text
            return encode_anyhow(fields)
        return line if len(line) <= MAX_LINE_BYTES else encode_anyhow(fields)
    # orjson is given nothing that could run code of its own: 3.13 crashes the process (SIGSEGV)
    # over an enum whose value, or a time zone whose offset raises.
    if not PLAIN.issuperset(map(type, fields.values())) and not is_plain(fields):
        return encode_anyhow(fields)
    try:
        line = _dumps(fields, None, _NEWLINE)
    except TypeError:  # as above
        return encode_anyhow(fields)
    # A null may have been a NaN.
    return line if len(line) <= MAX_LINE_BYTES and b"null" not in line else encode_anyhow(fields)
