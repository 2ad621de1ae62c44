"""The first blocks of a compressed file, tallied while all else is loaded.

One thread decompresses, another one tallies; what they give is small. The text is in buffers that
are used again, so who needs some of it later decompresses it once more. That is seldom: it is kept
of a block with a line to be looked at closely, and such a block is the last one.
"""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from events.errors import EventsError
from events.kernel.tallies import kernel
from events.log.compression import decompress, untouched
from projections.parallel.ahead import ahead
from projections.parallel.lending import AHEAD, LENT_BYTES, Lender
from projections.scanning import Part, scan

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from io import RawIOBase

    from projections.parallel.lending import Lent

MOST_BLOCKS = 64
"""So many are tallied at most before somebody takes them."""


class Early(NamedTuple):
    """Some lines that follow one another.

    Attributes:
        part: What they add up to.
        text: Their text, where it was kept.
    """

    part: Part
    text: bytes | None


class EarlyBlocks:
    """Begins at once; iterating gives the blocks that were tallied until then, once.

    Args:
        file: What is decompressed, from its start; kept open until this is closed.
        text: The same, without a buffer.

    Attributes:
        lender: Lends the text.
        lent: The blocks that follow, after iterating.
    """

    def __init__(self, file: BinaryIO, text: RawIOBase) -> None:
        self._file = file
        self.lender = Lender(text)
        self.lent: Generator[Lent] = ahead(self.lender, AHEAD)
        self._tallied: SimpleQueue[Early | BaseException | None] = SimpleQueue()
        self._is_enough = threading.Event()
        self._thread = threading.Thread(target=self._work, name="early blocks", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._tally()
        except BaseException as error:  # noqa: BLE001 - raised again where it is heard
            self._tallied.put(error)
        else:
            self._tallied.put(None)

    def _tally(self) -> None:
        for number, lent in enumerate(self.lent, 1):
            scanned = scan(lent.lines, None, few_bytes=0)
            if scanned is not None:
                part = Part(lent.offset, lent.end, *scanned)
                is_odd = any(group.runs is None for group in part.groups)
                self._tallied.put(Early(part, bytes(lent.lines) if is_odd else None))
                if is_odd:
                    return
            if number == MOST_BLOCKS or self._is_enough.is_set():
                return

    def __iter__(self) -> Iterator[Early]:
        self._is_enough.set()
        while (found := self._tallied.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found

    def close(self) -> None:
        """Tally no more of them."""
        self._is_enough.set()
        self._thread.join()
        self.lent.close()
        self._file.close()


def early_blocks(path: str, file: BinaryIO) -> EarlyBlocks | None:
    """Begin with a compressed file; None where the kernel is not there: threads would not help.

    Args:
        path: Its name.
        file: It, open.
    """
    from pathlib import Path

    if kernel() is None:
        return None
    decompressed = decompress(Path(path), file)
    text = untouched(decompressed)
    return None if text is None else EarlyBlocks(decompressed, text)


class Again:
    """A text that is decompressed once more, for what is needed of it.

    Args:
        text: It, from its start.
    """

    def __init__(self, text: RawIOBase) -> None:
        self._text = text
        self._at = 0
        self._block = (0, b"")

    def lines(self, block: Part, begin: int, end: int) -> bytes:
        """The lines between two places in a block: the one asked for last, or a later one."""
        if self._block[0] != block.offset or not self._block[1]:
            self._go_to(block.offset)
            self._block = block.offset, self._take(block.end - block.offset)
            self._at = block.end
        return self._block[1][begin:end]

    def _go_to(self, offset: int) -> None:
        while self._at < offset:
            size = min(offset - self._at, LENT_BYTES)
            self._take(size)
            self._at += size

    def _take(self, size: int) -> bytes:
        data = self._text.read(size) or b""
        if len(data) < size:
            raise EventsError("a compressed file became shorter while it was read")
        return data
