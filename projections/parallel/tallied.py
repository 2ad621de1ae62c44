"""The lines of an open file as the kernel tallies them: in parts, or as they are decompressed."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from events.kernel.tallies import kernel
from events.log.compression import untouched
from projections.parallel.ahead import ahead
from projections.parallel.early_blocks import Again
from projections.parallel.lending import AHEAD, Lender
from projections.parallel.parts import LARGE_BYTES, descriptor, read_parts
from projections.scanning import Part, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import RawIOBase

    from projections.parallel.head_start import HeadStart


class Tallied(NamedTuple):
    """Some lines that follow one another.

    Attributes:
        part: What they add up to.
        text: Gives the lines between two places in them, until the next ones are taken.
    """

    part: Part
    text: Callable[[int, int], bytes]


def tallied(
    file: BinaryIO,
    offset: int,
    folder: str | None,
    begun: HeadStart | None,
    at_once: int | None = None,
) -> InParts | InBlocks | None:
    """Tally the lines of a file; None where they are to be read one by one.

    Iterating gives the lines in their order, as far as they can be told apart; after it ``rest`` is
    a file that goes on behind them.

    Args:
        file: The uncompressed text, from its start.
        offset: Where to begin: the start of a line.
        folder: The stream in whose folder it is, if any.
        begun: Is taken up, where it is of this file, without a folder and an offset.
        at_once: How many parts of a plain file are tallied at the same time; None: one a processor.
    """
    begun = begun if folder is None and offset == 0 else None
    packed = untouched(file)
    if packed is not None and kernel() is None:
        return None
    if packed is not None:
        return InBlocks(packed, offset, folder, begun)
    number = descriptor(file)
    if number is None or os.fstat(number).st_size - offset < LARGE_BYTES:
        return None
    return InParts(file, offset, folder, begun, at_once)


class InParts:
    """A plain file."""

    def __init__(
        self,
        file: BinaryIO,
        offset: int,
        folder: str | None,
        begun: HeadStart | None,
        at_once: int | None,
    ) -> None:
        number = file.fileno()
        ready = begun.take_parts(number) if begun is not None else None
        end = os.fstat(number).st_size
        self._parts = ready or read_parts(
            number, offset=offset, end=end, folder=folder, at_once=at_once
        )
        self.rest = file

    def __iter__(self) -> Iterator[Tallied]:
        number = self.rest.fileno()
        for part in self._parts:
            yield Tallied(part, partial(_text_in_file, number, part.offset))


class InBlocks:
    """A file that is decompressed; the next block is, while one is tallied."""

    def __init__(
        self, text: RawIOBase, offset: int, folder: str | None, begun: HeadStart | None
    ) -> None:
        self._early = begun.take_blocks(text.fileno()) if begun is not None else None
        self._lender = Lender(text, offset) if self._early is None else self._early.lender
        self._again = Again(text)
        self._folder = folder

    def __iter__(self) -> Iterator[Tallied]:
        if self._early is None:
            blocks = ahead(self._lender, AHEAD)
        else:
            blocks = self._early.lent
            for part, kept in self._early:
                yield Tallied(part, _text_in(kept) if kept else partial(self._again.lines, part))
        for lent in blocks:
            scanned = scan(lent.lines, self._folder, few_bytes=0)
            if scanned is not None:
                part = Part(lent.offset, lent.end, *scanned)
                yield Tallied(part, _text_in(lent.lines))

    @property
    def rest(self) -> BinaryIO:
        """What follows."""
        return cast("BinaryIO", self._lender.rest())


def _text_in_file(file: int, offset: int, begin: int, end: int) -> bytes:
    return os.pread(file, end - begin, offset + begin)


def _text_in(lines: bytes | memoryview) -> Callable[[int, int], bytes]:
    return lambda begin, end: bytes(lines[begin:end])
