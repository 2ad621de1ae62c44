"""A large file in parts, tallied at the same time by threads that the GIL does not hold up."""

from __future__ import annotations

import io
import os
import stat
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from events.kernel.tallies import file_kernel
from projections.parallel.at_once import AtOnce
from projections.parallel.cores import cores
from projections.parallel.helpers import Helpers
from projections.scanning import scan_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from projections.scanning import Part

LARGE_BYTES = 1 << 23
"""From so many on a file is read in parts."""
PART_BYTES = 1 << 24
"""The largest part: what it costs to add up a part is little beside it."""
LEAST_BYTES = 1 << 20
"""The smallest part, at the end of a file: so that all threads end at about the same time."""
_MOST_THREADS = 8
PLAIN_BYTES = 1 << 22
"""The largest part without the compiled kernel: its durations are in memory at once."""
_AHEAD = 8  # parts a thread: what one adds up to is small


def threads() -> int:
    """How many parts are tallied at the same time."""
    return min(cores(), _MOST_THREADS)


def descriptor(file: BinaryIO) -> int | None:
    """The descriptor of a file that can be read in parts; None if it cannot be."""
    if not hasattr(os, "pread") or not isinstance(getattr(file, "raw", file), io.FileIO):
        return None  # what is decompressed has the descriptor of what it is made of
    number = file.fileno()
    return number if stat.S_ISREG(os.fstat(number).st_mode) else None


def read_parts(
    file: int,
    *,
    offset: int,
    end: int,
    folder: str | None,
    part_bytes: int = PART_BYTES,
    least_bytes: int = LEAST_BYTES,
    at_once: int | None = None,
) -> Parts:
    """Tally the lines of a file, beginning at once; give them in their order.

    It ends early, at the end of a line, where a line is so long that parts cannot be told from
    one another.

    Args:
        file: Its descriptor; its position does not matter.
        offset: Where to begin: the start of a line.
        end: Where the file ends, or less; lines that end later are not given.
        folder: The stream in whose folder it is, if any.
        part_bytes: How much is tallied at once, at most.
        least_bytes: How much is tallied at once near the end.
        at_once: How many parts are tallied at the same time, at most; None: one a processor.
    """
    count, helpers = at_once or threads(), None
    tally: Callable[..., Part | None] = scan_part
    if file_kernel() is None:  # then threads do not help, but processes may
        helpers = Helpers(end - offset if count > 1 else 0)
        count, tally = (count if helpers.may_start else 1), helpers.scan_part
        part_bytes = min(part_bytes, PLAIN_BYTES)
    makers = (
        partial(tally, file, begin, upto, folder, is_first=begin == offset, limit=end)
        for begin, upto in _cut(offset, end, part_bytes, least_bytes, count + 1)
    )
    return Parts(AtOnce(makers, count, _AHEAD * count), helpers)


class Parts:
    """The parts of a file, which are being tallied; given in their order, once."""

    def __init__(self, made: AtOnce[Part | None], helpers: Helpers | None) -> None:
        self._made = made
        self._helpers = helpers

    def __iter__(self) -> Iterator[Part]:
        made = iter(self._made)  # a name for it: else it would end first, and wait for helpers
        try:
            for part in made:
                if part is None:
                    return
                yield part
        finally:
            self.close()

    def close(self) -> None:
        """Tally no more of them."""
        if self._helpers is not None:
            self._helpers.close()  # whoever waits for one of them waits no longer
        self._made.close()
        if self._helpers is not None:
            self._helpers.close()  # one may have been started meanwhile


def _cut(offset: int, end: int, most: int, least: int, shares: int) -> Iterator[tuple[int, int]]:
    """Where parts begin and end: each a share of what is left, within bounds."""
    while offset < end:
        upto = min(offset + max(min((end - offset) // shares, most), least, 1), end)
        yield offset, upto
        offset = upto
