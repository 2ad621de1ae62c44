"""Two files that are one segment: which of them holds lines that the other one lacks.

A crash while a segment is compressed leaves both, with one text. So does a backup that is copied
onto a data folder, and then one of them may be older: a beginning of the other, or different.
"""

from __future__ import annotations

import enum
from contextlib import suppress
from typing import TYPE_CHECKING

from events.calls import call
from events.errors import EventsError
from events.log.segment import forms, open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from events.filesystem import FileSystem
    from events.log.segment import Segment

BLOCK_BYTES = 1 << 18


class Twin(enum.Enum):
    """What a segment's other file holds, beside that which is read."""

    SAME = enum.auto()
    """The same text."""
    LESS = enum.auto()
    """A beginning of it; or it is damaged, and no longer before that: it may go."""
    MORE = enum.auto()
    """All of it, and more after that: it is the newer one."""
    OTHER = enum.auto()
    """Neither is known to hold all of the other."""


def compare(twin: BinaryIO, text: BinaryIO, *, stopped: Callable[[], None] = lambda: None) -> Twin:
    """Say what one file holds, beside another.

    Args:
        twin: A decompressed text, which may turn out to be damaged.
        text: The other one.
        stopped: Called for each block; ends this by raising.

    Raises:
        EventsError: ``text`` is damaged.
        OSError: As the system says.
    """
    differs = longer = False
    while True:
        stopped()
        try:
            block = twin.read1(BLOCK_BYTES)  # type: ignore[attr-defined]  # all our readers buffer
        except EventsError:
            return Twin.OTHER if longer else Twin.LESS
        if not block:
            break
        other = text.read(len(block))
        longer = longer or len(other) < len(block)
        differs = differs or other != block[: len(other)]
    if differs:
        return Twin.OTHER
    if longer:
        return Twin.MORE
    return Twin.LESS if text.read(1) else Twin.SAME


def difference(one: Path, other: Path) -> EventsError:
    """The error that two files of one segment hold different lines."""
    return EventsError(
        f"{one} and {other} are one segment, and each may hold lines that the other one lacks, so "
        "neither is removed: see which of them is right, and move the other one out of this folder"
    )


def check_forms(segment: Segment, fs: FileSystem) -> None:
    """Check that no other file of a segment holds lines that are missing in the one that is read.

    Raises:
        EventsError: One does, or that which is read is damaged.
        OSError: As the system says.
    """
    first, *others = forms(segment, fs) or [segment]
    for each in others:
        with (
            suppress(FileNotFoundError),  # compressed meanwhile: then they are the same
            open_source(each.path, fs) as twin,
            open_source(first.path, fs) as text,
        ):
            found = compare(twin, text)
            if found is Twin.OTHER:
                raise difference(first.path, each.path)
            if found is Twin.MORE:
                prune = call("prune --compress", first.path.parent.parent.parent)
                raise EventsError(
                    f"{each.path} holds more lines than {first.path}, which is read while both are "
                    f"there, and is an older copy: {prune} removes such a one"
                    if not first.compression
                    else f"{each.path} holds more lines than {first.path}, which is read while "
                    "both are there, and is an older copy: move that out of this folder"
                )
