"""A large file in parts, tallied at the same time by threads that the GIL does not hold up."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections import deque
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, BinaryIO

from events.kernel.tallies import file_kernel
from projections.kernel_lines import Part, scan_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PART_BYTES = 1 << 24
"""The largest part: what it costs to add up a part is little beside it."""
LEAST_BYTES = 1 << 20
"""The smallest part, at the end of a file: so that all threads end at about the same time."""
_MOST_THREADS = 8
_AHEAD = 8  # parts a thread: what one adds up to is small

Made = Part | BaseException | None


def threads() -> int:
    """How many parts are tallied at the same time."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    return min(cores, _MOST_THREADS)


def descriptor(file: BinaryIO) -> int | None:
    """The descriptor of a file that can be read in parts; None if it cannot be."""
    if file_kernel() is None or not isinstance(getattr(file, "raw", file), io.FileIO):
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
) -> Iterator[Part]:
    """Give the lines of a file in their order, tallied.

    It ends early, at the end of a line, where a line is so long that parts cannot be told from
    one another.

    Args:
        file: Its descriptor; its position does not matter.
        offset: Where to begin: the start of a line.
        end: Where the file ends, or less; lines that end later are not given.
        folder: The stream in whose folder it is, if any.
        part_bytes: How much is tallied at once, at most.
        least_bytes: How much is tallied at once near the end.
    """
    count = threads()
    makers = (
        partial(scan_part, file, begin, upto, folder, is_first=begin == offset, limit=end)
        for begin, upto in _cut(offset, end, part_bytes, least_bytes, 2 * count)
    )
    for part in _at_once(makers, count):
        if part is None:
            return
        yield part


def _cut(offset: int, end: int, most: int, least: int, shares: int) -> Iterator[tuple[int, int]]:
    """Where parts begin and end: each a share of what is left, within bounds."""
    while offset < end:
        upto = min(offset + max(min((end - offset) // shares, most), least, 1), end)
        yield offset, upto
        offset = upto


def _at_once(makers: Iterator[Callable[[], Part | None]], count: int) -> Iterator[Part | None]:
    """Give what is made, in its order, made by so many threads; a little ahead of what is taken."""
    wanted: SimpleQueue[tuple[Callable[[], Part | None], SimpleQueue[Made]] | None] = SimpleQueue()
    ready: deque[SimpleQueue[Made]] = deque()

    def work() -> None:
        while (order := wanted.get()) is not None:
            make, made = order
            try:
                made.put(make())
            except BaseException as error:  # noqa: BLE001 - raised again where it is heard
                made.put(error)

    def order() -> None:
        make = next(makers, None)
        if make is not None:
            ready.append(SimpleQueue())
            wanted.put((make, ready[-1]))

    workers = [threading.Thread(target=work, name="parts", daemon=True) for _ in range(count)]
    for _ in range(_AHEAD * count):
        order()
    for worker in workers:
        worker.start()
    try:
        while ready:
            found = ready.popleft().get()
            order()
            if isinstance(found, BaseException):
                raise found
            yield found
    finally:
        while True:  # what is not begun is not made
            try:
                wanted.get_nowait()
            except Empty:
                break
        for _ in workers:
            wanted.put(None)
        for worker in workers:
            worker.join()
