"""A sample's lines, and without what has wrapped them, each in its place."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from events.formats.lines.explaining import Place
from events.formats.names import NONE
from events.formats.wrappings.unwrapping import Unwrapper
from events.limits import MAX_LINE_BYTES
from projections.cli.output import note, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

_LONGEST = MAX_LINE_BYTES + 1  # what is longer is too long, however long it is


def read_lines(log: BinaryIO) -> Iterator[bytes]:
    """Read the whole lines, and an unfinished last one, in bounded memory.

    A line that is too long is cut; zero bytes before one, however many, are left out.
    """
    while piece := log.readline(_LONGEST):
        line = piece.lstrip(b"\0")
        while piece and not piece.endswith(b"\n") and len(line) < _LONGEST:
            piece = log.readline(_LONGEST - len(line))
            line = line + piece if line else piece.lstrip(b"\0")
        while piece and not piece.endswith(b"\n"):
            piece = log.readline(_LONGEST)
        if line:
            yield line


def unwrapped(lines: Iterable[bytes], wrapping: str) -> Iterator[tuple[Place, bytes]]:
    """Take off what has wrapped the lines.

    Args:
        lines: They, with or without their ends.
        wrapping: One of `events.formats.names.WRAPPINGS`, or ``none``.

    Yields:
        Each inner line, with the place at which it begins. What is not so wrapped, and lines of
        which the end is missing, are told on stderr, each once.
    """
    if wrapping == NONE:
        yield from ((Place(number), line) for number, line in enumerate(lines, 1))
        return
    wrong: list[tuple[int, str]] = []
    unwrapper = Unwrapper(wrapping)
    begun: Counter[int] = Counter()  # inner lines, by the line in which they begin
    for number, line in enumerate(lines, 1):
        outer = line.removesuffix(b"\n") + b"\n"
        # The line's number stands for its place.
        inner = unwrapper.lines(outer, number, lambda at, reason: wrong.append((at, reason)))
        for begin, text in zip(inner.offsets, inner.data.split(b"\n"), strict=False):
            begun[begin] += 1
            yield Place(begin, begun[begin]), text
        waiting = {each.offset for each in unwrapper.unfinished()}
        begun = Counter({begin: count for begin, count in begun.items() if begin in waiting})
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
