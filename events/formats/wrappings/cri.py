"""Kubernetes' container logs: ``2016-10-06T00:17:09.669794202Z stdout F text``.

``P`` instead of ``F`` says that the line goes on in the stream's next record; further tags may
follow after a colon.

Source: Kubernetes, "CRI: Log Management for Container Stdout/Stderr Streams" (design proposal).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from events.json_text import is_blank

if TYPE_CHECKING:
    from events.formats.wrappings.inner import Inner, Partials

_RECORD = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* (stdout|stderr) ([PF])(?::\S*)?(?: |$)", re.ASCII
)


def read(data: bytes, offset: int, partials: Partials, inner: Inner) -> None:
    """Take the records of whole lines; see `events.formats.wrappings.unwrapping`."""
    lines, offsets = inner.lines, inner.offsets
    match = _RECORD.match
    for line in data.split(b"\n"):
        at = offset
        offset += len(line) + 1
        record = match(line)
        if record is None:
            if not is_blank(line):
                inner.report(at, "no record of a Kubernetes container's log (time, stream, tag)")
            continue
        text = line[record.end() :]
        stream, tag = record.groups()
        if tag == b"F" and not partials:  # nearly always
            if is_blank(text):
                continue
            lines.append(text)
            offsets.append(at)
        elif tag == b"F":
            partials.end(stream.decode(), text, at, inner)
        else:
            partials.begin(stream.decode(), text, at, inner)
