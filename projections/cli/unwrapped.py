"""A sample's lines without what has wrapped them, each in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.formats.wrappings.unwrapping import Unwrapper
from projections.cli.output import note, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def unwrapped(lines: Iterable[bytes], wrapping: str) -> Iterator[bytes]:
    """Take off what has wrapped the lines.

    Args:
        lines: They, with or without their ends.
        wrapping: One of `events.formats.wrappings.unwrapping.WRAPPINGS`.

    Yields:
        For each line what stands in it; an empty one where that is nothing yet, so that the others
        keep their numbers. Those that are not so wrapped are told on stderr, once.
    """
    wrong: list[str] = []
    first = 0
    unwrapper = Unwrapper(wrapping)
    for number, line in enumerate(lines, 1):
        outer = line.removesuffix(b"\n") + b"\n"
        yield unwrapper.lines(outer, 0, lambda _, reason: wrong.append(reason)).data
        first = first or (number if wrong else 0)
    if wrong:
        note(
            f"syncstats: {plural(len(wrong), 'line')} in no wrapping of {wrapping}; the first is "
            f"line {first}: {wrong[0]}"
        )
