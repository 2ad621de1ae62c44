"""Whether more lines of a log could still show its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.formats.names import AUTO, NONE, WRAPPINGS

if TYPE_CHECKING:
    from projections.choosing import Choice


def is_enough(choice: Choice, sample: bytes) -> bool:
    """Whether a sample that shows no format has all lines that are ever looked at.

    So many are looked at inside of each wrapping; one in which no line is wrapped is none.

    Args:
        choice: What was said of the format.
        sample: Whole lines from the log's start, of which `Choice.recognise` gave None.
    """
    from events.formats.recognition import LINES

    outer = _count(sample)
    if outer < LINES:
        return False
    if choice.wrapped == NONE:
        return True
    wrappings = WRAPPINGS if choice.wrapped == AUTO else (choice.wrapped,)
    return all(_is_enough_of(sample, wrapping, outer, LINES) for wrapping in wrappings)


def _is_enough_of(sample: bytes, wrapping: str, outer: int, lines: int) -> bool:
    from events.formats.wrappings.unwrapping import Unwrapper

    if wrapping == "journald" and b'"MESSAGE"' not in sample:  # any object may be a record without
        return True
    refused: list[int] = []
    inner = Unwrapper(wrapping).lines(sample, 0, lambda offset, _reason: refused.append(offset))
    return len(refused) == outer or _count(inner.data) >= lines


def _count(data: bytes) -> int:
    """How many lines say anything."""
    return sum(1 for line in data.split(b"\n") if line.strip(b" \t\r"))
