"""A sample's lines without what has wrapped them, each in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.formats.wrappings.unwrapping import Unwrapper
from projections.cli.output import note, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def unwrapped(lines: Iterable[bytes], wrapping: str) -> Iterator[tuple[int, bytes]]:
    """Take off what has wrapped the lines.

    Args:
        lines: They, with or without their ends.
        wrapping: One of `events.formats.names.WRAPPINGS`.

    Yields:
        Each inner line, with the number of the line in which it begins. What is not so wrapped, and
        lines of which the end is missing, are told on stderr, each once.
    """
    wrong: list[tuple[int, str]] = []
    unwrapper = Unwrapper(wrapping)
    for number, line in enumerate(lines, 1):
        outer = line.removesuffix(b"\n") + b"\n"
        # The line's number stands for its place.
        inner = unwrapper.lines(outer, number, lambda at, reason: wrong.append((at, reason)))
        yield from zip(inner.offsets, inner.data.split(b"\n"), strict=False)
    if wrong:
        note(
            f"syncstats: {plural(len(wrong), 'line')} in no wrapping of {wrapping}; the first is "
            f"line {wrong[0][0]}: {wrong[0][1]}"
        )
    for each in unwrapper.unfinished():
        note(
            f"syncstats: line {each.offset} begins one that is incomplete ({each.size} bytes; the "
            "record with its end is missing); it is not counted"
        )
