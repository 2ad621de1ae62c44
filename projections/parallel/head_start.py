"""Beginning to tally a file while what folds it is still being loaded.

A million lines take about as long as it takes to load what they are folded with. So this module
loads little, and so does what it stands on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from events.log.compression import COMPRESSED
from projections.parallel.parts import LARGE_BYTES, Parts, descriptor, read_parts

if TYPE_CHECKING:
    from projections.parallel.early_blocks import EarlyBlocks

_LARGE_PACKED_BYTES = LARGE_BYTES >> 3  # our lines become an eighth, or less


class HeadStart:
    """One file, which is being tallied already.

    Args:
        file: It, open; closed with this.
        begun: What is being made of it.
    """

    def __init__(self, file: BinaryIO, begun: Parts | EarlyBlocks) -> None:
        self._file = file
        self._same = os.fstat(file.fileno())
        self._begun: Parts | EarlyBlocks = begun
        self._is_taken = False

    def take_parts(self, file: int) -> Parts | None:
        """Its parts, where it is this plain file (a descriptor); once."""
        return self._begun if isinstance(self._begun, Parts) and self._take(file) else None

    def take_blocks(self, file: int) -> EarlyBlocks | None:
        """Its first blocks, where it is this compressed file (a descriptor); once."""
        return self._begun if not isinstance(self._begun, Parts) and self._take(file) else None

    def _take(self, file: int) -> bool:
        if self._is_taken or not os.path.samestat(self._same, os.fstat(file)):
            return False
        self._is_taken = True
        return True

    def close(self) -> None:
        """Tally no more of it."""
        self._begun.close()
        self._file.close()


def head_start(path: str) -> HeadStart | None:
    """Begin with a file of our own lines, if it is large enough to be read by several threads.

    What is wrong with it shows when it is read.

    Args:
        path: What was named.

    Raises:
        OSError: It cannot be opened.
        RuntimeError: No thread can be started.
    """
    # No `pathlib`, which takes as long to load as 50,000 lines to add up.
    if not os.path.isfile(path):  # noqa: PTH113
        return None
    file = open(path, "rb")  # noqa: SIM115, PTH123 - closed by who takes it
    begun = None
    try:
        begun = _begin(path, file)
    finally:
        if begun is None:
            file.close()
    return begun


def _begin(path: str, file: BinaryIO) -> HeadStart | None:
    number = file.fileno()
    size = os.fstat(number).st_size
    if descriptor(file) is None or size < _LARGE_PACKED_BYTES:
        return None
    if os.path.splitext(path)[1].lower() in COMPRESSED:  # noqa: PTH122
        from projections.parallel.early_blocks import early_blocks

        blocks = early_blocks(path, file)
        return None if blocks is None else HeadStart(file, blocks)
    if size < LARGE_BYTES:
        return None
    return HeadStart(file, read_parts(number, offset=0, end=size, folder=None))
