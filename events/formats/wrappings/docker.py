r"""Docker's json-file: ``{"log":"…\n","stream":"stdout","time":"…"}``, also Podman's.

A line of more than 16 KiB stands in several records, all of which but the last lack the ``\n``.

Source: Docker, "JSON File logging driver", and moby's daemon/logger/copier.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from events.json_text import is_blank

if TYPE_CHECKING:
    from events.formats.wrappings.inner import Inner, Partials


class _Record(msgspec.Struct, gc=False):
    log: str
    stream: Literal["stdout", "stderr"] = "stdout"


_read = msgspec.json.Decoder(_Record).decode


def read(data: bytes, offset: int, partials: Partials, inner: Inner) -> None:
    """Take the records of whole lines; see `events.formats.wrappings.unwrapping`."""
    lines, offsets = inner.lines, inner.offsets
    for line in data.split(b"\n"):
        at = offset
        offset += len(line) + 1
        if not line:
            continue
        try:
            record = _read(line)
        except (ValueError, RecursionError) as error:
            if not is_blank(line):
                inner.report(at, f"no record of Docker's json-file: {error}")
            continue
        log = record.log
        end = len(log) - 1
        if log.find("\n") == end >= 1 and not partials and not log.isspace():  # nearly always
            lines.append(log[:end].encode())
            offsets.append(at)
        else:
            _take(log.encode(), record.stream, at, partials, inner)


def _take(log: bytes, stream: str, at: int, partials: Partials, inner: Inner) -> None:
    whole, end, part = log.rpartition(b"\n")
    if end:
        partials.end(stream, whole, at, inner)
    if part:
        partials.begin(stream, part, at, inner)
