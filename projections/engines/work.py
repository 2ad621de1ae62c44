"""What a worker does: fold a partition, or some streams again. It reads, and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, cast

from events.errors import EventsError
from events.log.segment import parse_segment
from projections.engines.partial import KEPT, Found, Notes, Partial
from projections.engines.partitions import Piece
from projections.engines.ranges import SpanLines
from projections.entry import FOLD_VERSION
from projections.errors import SourceError
from projections.fold import Fold
from projections.logs import read_log, unreadable
from projections.reading import read_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from projections.engines.partitions import LogPiece, Partition
    from projections.entry import Entry
    from projections.logs import Found as LogFound
    from projections.problems import Problem
    from projections.sources import Source

VERSION = FOLD_VERSION
"""What a worker is asked for before it gets work: see `projections.engines.workers`."""


@dataclass(frozen=True)
class Again:
    """Streams that are folded once more, in the order of their lines.

    Attributes:
        streams: They.
        begin: What of them was pruned, folded.
        pieces: All that may hold lines of them, in the order of reading.
    """

    streams: frozenset[str]
    begin: Mapping[str, Entry]
    pieces: tuple[Piece | LogPiece, ...]


@dataclass(frozen=True)
class Refolded:
    """What they add up to.

    Attributes:
        entries: By stream.
        forks: Those of which two histories were folded, each with a number that shows it.
    """

    entries: Mapping[str, Entry]
    forks: Mapping[str, int]


def fold_partition(partition: Partition) -> Partial:
    """Fold what a partition holds.

    Raises:
        SourceError: The system does not let us read a file; another try may end otherwise.
    """
    fold, reading = Fold(), _Reading()
    for piece in partition.pieces:
        failure = _fold(fold, piece, reading)
        if failure is not None:
            reading.notes = replace(reading.notes, failure=failure)
            break
    entries = fold.entries()
    homes = dict.fromkeys(entries, (partition.number,))
    return Partial(entries, homes, forks=frozenset(fold.forks()), notes=reading.finished())


def fold_again(task: Again) -> Refolded:
    """Fold streams that were read in several partitions, with lines that stand in more than one.

    Raises:
        SourceError: A file cannot be read.
    """
    fold, reading = Fold(task.begin), _Reading()
    for piece in task.pieces:
        failure = _fold(fold, piece, reading)
        if failure is not None:
            raise SourceError(failure)
    entries = {name: entry for name, entry in fold.entries().items() if name in task.streams}
    return Refolded(entries, {s: seq for s, seq in fold.forks().items() if s in task.streams})


class _Reading:
    """Gathers what is noticed while pieces are read."""

    def __init__(self) -> None:
        self.notes = Notes()
        self._found: list[Found] = []
        self._first_invalid: Found | None = None
        self._invalid = self._incomplete = self._read = 0
        self._told: list[str] = []
        self._lines: list[tuple[str, int, int]] = []
        self._logs: list[tuple[str, LogFound]] = []

    def problem(self, problem: Problem, begin: int | None = None) -> None:
        found = Found(problem, begin)
        if problem.incomplete:
            self._incomplete += 1
        else:
            self._invalid += 1
            self._first_invalid = self._first_invalid or found
        if len(self._found) < KEPT:
            self._found.append(found)

    def progress(self, more: int) -> None:
        self._read += more

    def told(self, text: str) -> None:
        self._told.append(text)

    def log(self, name: str, found: LogFound) -> None:
        self._logs.append((name, found))

    def span(self, name: str, begin: int, lines: int) -> None:
        self._lines.append((name, begin, lines))

    def finished(self) -> Notes:
        return replace(
            self.notes,
            found=tuple(self._found),
            first_invalid=self._first_invalid,
            invalid=self._invalid,
            incomplete=self._incomplete,
            read=self._read,
            told=tuple(self._told),
            lines=tuple(self._lines),
            logs=tuple(self._logs),
        )


def _fold(fold: Fold, piece: Piece | LogPiece, reading: _Reading) -> str | None:
    """Fold a piece; say what is wrong with it, if that is so however often it is read."""
    place = piece.place
    path = piece.path if isinstance(piece, Piece) else piece.log.sources[0].path
    try:
        if isinstance(piece, Piece):
            _fold_piece(fold, piece, reading)
        else:
            _fold_log(fold, piece, reading)
    except EventsError as error:  # it names the file
        return place.told(str(error), path)
    except SourceError as error:
        return place.scheme + str(error)
    except OSError as error:
        name = str(error.filename or path)
        raise unreadable(error, place.told(name, path)) from error
    return None


def _fold_piece(fold: Fold, piece: Piece, reading: _Reading) -> None:
    segment = parse_segment(piece.path) if piece.stream is not None else None
    with piece.place.open(piece.path) as file:
        lines = None if piece.span is None else SpanLines(file, piece.span)
        begin = 0 if lines is None else lines.begin
        first = None if piece.span is None else piece.span.begin
        ends = read_file(
            fold,
            file if lines is None else cast("BinaryIO", lines),
            piece.name,
            folder=piece.stream,
            problem=lambda found: reading.problem(
                replace(found, offset=begin + found.offset), first
            ),
            progress=reading.progress,
            at_once=1,  # a worker has a task for each processor that it may use
        )
        for end in ends:
            if piece.stream is not None and segment is not None:
                fold.place(piece.stream, segment.first_seq, begin + end)
        if lines is not None and first is not None:
            reading.span(piece.name, first, lines.lines)


def _fold_log(fold: Fold, piece: LogPiece, reading: _Reading) -> None:
    place = piece.place

    def open_(source: Source) -> AbstractContextManager[BinaryIO]:
        return place.open(source.path)

    found = read_log(
        fold,
        piece.log,
        piece.choice,
        open_,
        problem=lambda found: reading.problem(replace(found, source=place.scheme + found.source)),
        progress=reading.progress,
        told=lambda text: reading.told(place.scheme + text),
    )
    reading.log(place.scheme + piece.log.name, found)
