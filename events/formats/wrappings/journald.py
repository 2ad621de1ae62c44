"""The systemd journal, as ``journalctl -o json`` writes it: one object a record.

``MESSAGE`` is a text; or a list of numbers, its bytes, where they are no UTF-8 or no plain text;
or null, where it is long and ``--all`` was not given; or a list of such, where the field is there
several times. A line that was longer than the journal's ``LineMax=`` stands in several records, all
of which but the last have ``_LINE_BREAK=line-max``.

Source: systemd.journal-fields(7), journalctl(1), and systemd.io/JOURNAL_EXPORT_FORMATS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from events.json_text import is_blank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.formats.wrappings.inner import Inner, Partials

_LONGEST_NAME = 64  # of a stream's id, which has 32 characters
_LEFT_OUT = "the record's MESSAGE is null: journalctl leaves out long ones without --all"
_NO_TEXT = "the record's MESSAGE is neither a text nor a list of bytes"


class _Record(msgspec.Struct, gc=False):
    message: Any = msgspec.field(name="MESSAGE", default=UNSET)
    line_break: Any = msgspec.field(name="_LINE_BREAK", default="")
    stream: Any = msgspec.field(name="_STREAM_ID", default="")


_read = msgspec.json.Decoder(_Record).decode


def read(data: bytes, offset: int, partials: Partials, inner: Inner) -> None:
    """Take the records of whole lines; see `events.formats.wrappings.unwrapping`."""
    for line in data.split(b"\n"):
        at = offset
        offset += len(line) + 1
        if not line:
            continue
        try:
            record = _read(line)
        except (ValueError, RecursionError) as error:
            if not is_blank(line):
                inner.report(at, f"no record of the systemd journal: {error}")
            continue
        message = record.message
        if isinstance(message, str) and not record.line_break and not partials:  # nearly always
            inner.add(message.encode(), at)
        elif message is not UNSET:  # a record may have none
            _take(record, at, partials, inner)


def _take(record: _Record, at: int, partials: Partials, inner: Inner) -> None:
    name = record.stream
    stream = name if isinstance(name, str) and len(name) <= _LONGEST_NAME else ""
    goes_on = record.line_break == "line-max"
    for text in _texts(record.message):
        if isinstance(text, str):
            partials.lose(stream, at, inner, text, goes_on=goes_on)
        elif goes_on:
            partials.begin(stream, text, at, inner)
        else:
            partials.end(stream, text, at, inner)


def _texts(message: Any) -> Iterator[bytes | str]:
    """The texts of a record, each as bytes; in place of one that cannot be had, why (a str)."""
    if isinstance(message, str):
        yield message.encode()
    elif message is None:
        yield _LEFT_OUT
    elif not isinstance(message, list):
        yield _NO_TEXT
    elif not message or isinstance(message[0], (int, float)):
        try:
            yield bytes(message)
        except (ValueError, TypeError):
            yield _NO_TEXT
    else:
        for each in message:
            if isinstance(each, list) and each and not isinstance(each[0], (int, float)):
                yield _NO_TEXT
            else:
                yield from _texts(each)
