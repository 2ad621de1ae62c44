"""Which program wrote a log, told by its first lines: for ``--format auto``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.errors import InvalidLineError
from events.formats.lines.conditions import holds
from events.formats.lines.objects import read_object
from events.formats.lines.paths import lookup
from events.formats.names import NATIVE, PRESETS, WRAPPINGS
from events.formats.presets import load_preset
from events.formats.wrappings.unwrapping import Unwrapper
from events.json_text import is_blank
from events.model import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.formats.mapping import When

LINES = 200
"""How many lines of a log are looked at, counted inside of the wrapping."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a log is.

    Attributes:
        format: ``native``, or a preset's name.
        wrapping: What is around its lines, one of `WRAPPINGS`; None if they stand by themselves.
    """

    format: str
    wrapping: str | None


def recognise(sample: bytes) -> Recognised | None:
    r"""Tell what fits most of a log's first lines.

    Of what fits equally many, lines by themselves come before wrapped ones, our own format before
    others, and the presets in their order. The same sample always gives the same answer.

    Args:
        sample: Whole lines from the log's start, each ended by ``\n``.

    Returns:
        None if nothing fits any line.
    """
    best, most = None, 0
    for wrapping in (None, *WRAPPINGS):
        data = sample if wrapping is None else Unwrapper(wrapping).lines(sample).data
        for format_, count in _counts(data).items():
            if count > most:
                best, most = Recognised(format_, wrapping), count
    return best


def _counts(data: bytes) -> dict[str, int]:
    """How many of the first lines are of each format, in the order in which formats are tried."""
    counts = dict.fromkeys((NATIVE, *PRESETS), 0)
    detects = {name: load_preset(name).detect for name in PRESETS}
    for found in _objects(data):
        counts[NATIVE] += _is_native(found)
        for name, detect in detects.items():
            counts[name] += _shows(detect, found)
    return counts


def _objects(data: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects among the first lines."""
    begin = seen = 0
    while seen < LINES and (end := data.find(b"\n", begin)) >= 0:
        line = data[begin:end]
        begin = end + 1
        if is_blank(line):
            continue
        seen += 1
        try:
            yield read_object(line)
        except InvalidLineError:
            continue


def _is_native(found: dict[str, Any]) -> bool:
    """Whether a line is ours: numbered in a stream, or an outcome that names its version."""
    if isinstance(found.get("stream"), str) and type(found.get("seq")) is int:
        return True
    event = found.get("event")
    return "v" in found and isinstance(event, str) and event in OUTCOMES


def _shows(detect: When, found: dict[str, Any]) -> bool:
    """Whether a line shows a format; one that says nothing of itself is shown by none."""
    return bool(detect) and all(holds(each, lookup(found, each.path)) for each in detect)
