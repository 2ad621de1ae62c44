"""What the compiled kernel makes of lines: of a text in memory, or of a part of a file."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from events.kernel.tallies import Run, file_kernel, kernel
from events.limits import MAX_LINE_BYTES
from worker.buckets import bounds

if TYPE_CHECKING:
    from events.kernel._scan import Groups

FEW_BYTES = 1 << 15
"""Up to so many the kernel is not worth its set-up."""
ROOM_BYTES = 1 << 17
"""So much of a file is read at once: it stays in a processor's cache."""


class Group(NamedTuple):
    """Lines of a block, and what they add up to.

    Attributes:
        begin: Where the first one begins, in bytes from the block's start.
        end: Where the last one ends.
        runs: What they add up to; None: they are to be looked at closely. That is one line of any
            length, or, without the compiled kernel, a few that are far shorter than a line may be.
    """

    begin: int
    end: int
    runs: list[Run] | None


@cache
def _places() -> array[int]:
    return array("Q", bounds())


Scan = Callable[[bytes, "str | None"], "tuple[int, list[Group]] | None"]
"""As `scan`."""


def scan(
    data: bytes | memoryview, folder: str | None, *, few_bytes: int = FEW_BYTES
) -> tuple[int, list[Group]] | None:
    """Tally whole lines; None where there is too little to do.

    Args:
        data: The lines, each with its end.
        folder: The stream in whose folder they are; None for lines from anywhere.
        few_bytes: What is too little.

    Returns:
        How many lines there are, and what they add up to.
    """
    if len(data) < few_bytes:
        return None
    run = kernel()
    if run is None:
        return scan_plainly(data, folder)
    lines, groups = run(data, _places(), MAX_LINE_BYTES, _encoded(folder))
    return lines, _as_groups(groups)


def scan_plainly(
    data: bytes | memoryview, folder: str | None, **options: int
) -> tuple[int, list[Group]]:
    """Tally whole lines without the compiled kernel; see `scan`, and `events.kernel.plain.scan`."""
    from events.kernel import plain

    lines, groups = plain.scan(data, bounds(), MAX_LINE_BYTES, _encoded(folder), **options)
    return lines, [*map(Group._make, groups)]


class Part(NamedTuple):
    """Whole lines of a file that follow one another, and what they add up to.

    Attributes:
        offset: Where the first one begins, in bytes.
        end: Where the last one ends.
        lines: How many there are.
        groups: What they add up to, with places counted from ``offset``.
    """

    offset: int
    end: int
    lines: int
    groups: list[Group]


def scan_part(
    file: int,
    begin: int,
    upto: int,
    folder: str | None,
    *,
    is_first: bool,
    limit: int,
    room: int = ROOM_BYTES,
) -> Part | None:
    """Tally the lines of a file that begin in a part of it.

    Args:
        file: Its descriptor; its position does not matter.
        begin: Where the part begins, in bytes.
        upto: Where it ends.
        folder: As of `scan`.
        is_first: Whether a line begins with it; else the byte before it says.
        limit: Where the file ends, or less; lines that end later are left out.
        room: How many bytes are read at once; more where a line is longer.

    Returns:
        What they add up to; None where there is no kernel, or where a line is so long that the
        part's lines cannot be told from those of others.
    """
    run = file_kernel()
    if run is None:
        return None
    name = _encoded(folder)
    found = run(file, begin, upto, is_first, limit, _places(), MAX_LINE_BYTES, name, room)
    if found is None:
        return None
    first, last, lines, groups = found
    return Part(first, last, lines, _as_groups(groups))


def _encoded(folder: str | None) -> bytes | None:
    return None if folder is None else folder.encode()


def _as_groups(groups: Groups) -> list[Group]:
    return [
        Group(begin, end, None if runs is None else [*map(Run._make, runs)])
        for begin, end, runs in groups
    ]
