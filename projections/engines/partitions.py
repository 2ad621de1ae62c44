"""Cutting what is to be replayed into partitions of about equal work, in the order of reading."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from events.log.compression import COMPRESSED
from projections.engines.ranges import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from projections.choosing import Choice
    from projections.engines.places import Place
    from projections.log_files import Log

TIMES_COMPRESSED = 10
"""How many bytes of text a compressed byte is taken for; event lines shrink to 5 to 15 %."""
LEAST_BYTES = 1 << 20
"""No file is cut into less than that: opening it again would cost more."""
MOST_BYTES = 256 << 20
"""No partition of plain files is larger, so that little is read again when a worker is lost."""
_EACH = 4  # partitions a worker, so that one who is done early takes over


@dataclass(frozen=True)
class Piece:
    """A file of our own lines, or a part of one.

    Attributes:
        place: Where it is.
        path: The file.
        size: Bytes in it.
        stream: The stream in whose folder it is; None for lines from anywhere.
        span: Which part of it; None: all, to its end.
    """

    place: Place
    path: Path
    size: int
    stream: str | None = None
    span: Span | None = None

    @property
    def name(self) -> str:
        """The file's name, for messages."""
        return self.place.shown(self.path)

    @property
    def work(self) -> int:
        """How many bytes of text there are to read, about."""
        if self.span is not None:
            return self.span.end - self.span.begin
        return self.size * (TIMES_COMPRESSED if _is_compressed(self.path) else 1)

    @property
    def stored(self) -> int:
        """How many of the file's bytes that is, for showing progress."""
        return self.size if self.span is None else self.work


@dataclass(frozen=True)
class LogPiece:
    """Files that are one log of another program, which is read as one: a line may wait in it.

    Attributes:
        place: Where they are.
        log: They.
        choice: What was said of their format.
        size: Bytes in them.
        work: How many bytes of text there are to read, about.
    """

    place: Place
    log: Log
    choice: Choice
    size: int
    work: int
    stream: None = None

    @property
    def stored(self) -> int:
        """How many bytes of files that is."""
        return self.size


@dataclass(frozen=True)
class Partition:
    """What one task folds, piece by piece.

    Attributes:
        number: Its place among all, from 0.
        pieces: In the order in which a replay in one process reads them.
    """

    number: int
    pieces: tuple[Piece | LogPiece, ...]

    @property
    def stored(self) -> int:
        """How many bytes of files that is."""
        return sum(piece.stored for piece in self.pieces)


def cut(pieces: Iterable[Piece | LogPiece], workers: int) -> list[Partition]:
    """Cut into partitions; plain files also in their midst, compressed ones and logs not."""
    every = [*pieces]
    total = sum(piece.work for piece in every)
    target = min(max(-(-total // max(workers * _EACH, 1)), LEAST_BYTES), MOST_BYTES)
    return [Partition(number, found) for number, found in enumerate(_bundle(every, target))]


def _bundle(
    pieces: Iterable[Piece | LogPiece], target: int
) -> Iterator[tuple[Piece | LogPiece, ...]]:
    bundle: list[Piece | LogPiece] = []
    room = target
    least = min(LEAST_BYTES, target // 2)
    for whole in pieces:
        rest = whole
        while isinstance(rest, Piece) and rest.work >= room + least and _can_be_cut(rest):
            first, rest = _split(rest, room)
            yield (*bundle, first)
            bundle, room = [], target
        bundle.append(rest)
        room -= rest.work
        if room < least:
            yield tuple(bundle)
            bundle, room = [], target
    if bundle:
        yield tuple(bundle)


def _can_be_cut(piece: Piece) -> bool:
    if _is_compressed(piece.path):
        return False
    return piece.span is not None or piece.place.names.gives_parts(piece.path)


def _is_compressed(path: Path) -> bool:
    return path.suffix.lower() in COMPRESSED


def _split(piece: Piece, size: int) -> tuple[Piece, Piece]:
    span = piece.span or Span(0, piece.size, piece.size)
    middle = span.begin + size
    return (
        replace(piece, span=span._replace(end=middle)),
        replace(piece, span=span._replace(begin=middle)),
    )


def work_of(path: Path, size: int) -> int:
    """How many bytes of text a file of so many bytes holds, about."""
    return size * (TIMES_COMPRESSED if _is_compressed(path) else 1)
