"""Beginning to tally a file while what folds it is still being loaded.

A million lines take about as long as it takes to load what they are folded with. So this module
loads little, and so does what it stands on.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from events.errors import EventsError
from events.log.segment import open_source
from projections.parts import LARGE_BYTES, Parts, descriptor, read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.filesystem import FileSystem


class HeadStart:
    """The parts of one file, which are being tallied already.

    Args:
        file: It, open; the parts are read from it.
        size: How much of it is read, from its start.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._same = os.fstat(file.fileno())
        self._parts = read_parts(file.fileno(), offset=0, end=size, folder=None)
        self._is_taken = False

    def take(self, file: int) -> Parts | None:
        """The parts, where they are those of this file (its descriptor); once."""
        if self._is_taken or not os.path.samestat(self._same, os.fstat(file)):
            return None
        self._is_taken = True
        return self._parts

    def close(self) -> None:
        """Tally no more of them."""
        self._parts.close()


@contextmanager
def head_start(path: str, fs: FileSystem) -> Iterator[HeadStart | None]:
    """Begin with a file of our own lines, if it is one that is read in parts.

    What is wrong with it shows when it is read.

    Args:
        path: What was named.
        fs: Where it is.
    """
    try:
        file = open_source(Path(path), fs) if os.path.isfile(path) else None  # noqa: PTH113 - a name may be no path
    except (EventsError, OSError):
        file = None
    if file is None:
        yield None
        return
    with file:
        begun = _begun(file)
        try:
            yield begun
        finally:
            if begun is not None:
                begun.close()


def _begun(file: BinaryIO) -> HeadStart | None:
    number = descriptor(file)
    size = 0 if number is None else os.fstat(number).st_size
    return HeadStart(file, size) if size >= LARGE_BYTES else None
