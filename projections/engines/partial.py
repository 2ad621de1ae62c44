"""What some partitions add up to, and how two such results become one.

A task may run twice, and any tree of merges may be taken: a partial result is a value, it names the
partitions that it is of, and merging gives what folding all lines in their order would give. Where
that cannot be told from the sums, because lines of a stream were read twice, the stream is left to
be folded again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

from projections.entry import FOLD_VERSION, MAX_EPOCHS
from projections.fold import Fold
from projections.seqs import SeqSet, overlap, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from projections.entry import Entry
    from projections.logs import Found as LogFound
    from projections.problems import Problem

KEPT = 20
"""So many problems are kept, the first ones: a broken file has millions."""


@dataclass(frozen=True)
class Found:
    """A problem, and the span whose first line its line is counted from; None: the file's."""

    problem: Problem
    begin: int | None = None


@dataclass(frozen=True)
class Notes:
    """What was noticed while reading.

    Attributes:
        found: The first problems.
        first_invalid: The first one that is an invalid line.
        invalid: How many invalid lines there were.
        incomplete: How many unfinished last lines.
        read: Bytes of text.
        told: What is to be said of formats that were recognised.
        lines: Of each span that was read: its file, its first byte, how many lines ended in it.
        logs: What was found of each log of other programs, by its name.
        failure: Why a file could not be read to its end, though the system let us: it is damaged.
            Nothing was read after that.
    """

    found: tuple[Found, ...] = ()
    first_invalid: Found | None = None
    invalid: int = 0
    incomplete: int = 0
    read: int = 0
    told: tuple[str, ...] = ()
    lines: tuple[tuple[str, int, int], ...] = ()
    logs: tuple[tuple[str, LogFound], ...] = ()
    failure: str | None = None

    def then(self, later: Notes) -> Notes:
        """These, and those of what comes after."""
        if self.failure is not None:
            return self
        return Notes(
            (*self.found, *later.found)[:KEPT],
            self.first_invalid or later.first_invalid,
            self.invalid + later.invalid,
            self.incomplete + later.incomplete,
            self.read + later.read,
            self.told + later.told,
            self.lines + later.lines,
            self.logs + later.logs,
            later.failure,
        )

    def numbered(self, found: Found) -> Problem:
        """A problem with its line's number in the file."""
        problem = found.problem
        if not found.begin or problem.line is None:
            return problem
        spans = {begin: n for name, begin, n in self.lines if name == problem.source}
        before = sum(n for begin, n in spans.items() if begin < found.begin)
        return replace(problem, line=problem.line + before)


@dataclass(frozen=True)
class Partial:
    """What some partitions that follow one another add up to.

    Attributes:
        entries: What was folded of each stream.
        homes: The partitions in which each stream occurs.
        clashes: Streams that have to be folded again; what `entries` says of them is not all.
        forks: Streams of which two histories were folded.
        notes: What was noticed while reading.
        version: The fold's version where this was made: workers may run another syncstats.
    """

    entries: Mapping[str, Entry]
    homes: Mapping[str, tuple[int, ...]]
    clashes: frozenset[str] = frozenset()
    forks: frozenset[str] = frozenset()
    notes: Notes = field(default_factory=Notes)
    version: int = FOLD_VERSION


def empty() -> Partial:
    """The result of no partitions."""
    return Partial({}, {})


def merge(parts: Iterable[Partial]) -> Partial:
    """Make one of partial results, which are in the order of their partitions."""
    return reduce(_merge, parts, empty())


def _merge(left: Partial, right: Partial) -> Partial:
    entries, homes = {**left.entries}, {**left.homes}
    clashes = set(left.clashes | right.clashes)
    for stream, entry in right.entries.items():
        known = entries.get(stream)
        joined = entry if known is None else join(stream, known, entry)
        if joined is None:
            clashes.add(stream)
        else:
            entries[stream] = joined
    for stream, numbers in right.homes.items():
        homes[stream] = homes.get(stream, ()) + numbers
    return Partial(
        entries,
        homes,
        frozenset(clashes),
        left.forks | right.forks,
        left.notes.then(right.notes),
        left.version if left.version != FOLD_VERSION else right.version,
    )


def join(stream: str, first: Entry, then: Entry) -> Entry | None:
    """What lines of a stream add up to, and later ones, as if all were folded in their order.

    Returns:
        The entry; None where that cannot be told: the later lines were read before in part, or tell
        another history.
    """
    again = overlap(first.seen, then.seen)
    if again and not (again == size(then.seen) and _is_one_history(first, then)):
        return None
    fold = Fold({stream: first})
    if not fold.absorb(stream, then):
        return None
    for entry in (then, first):  # the last line that was read stands in the later ones
        segment, offset = entry.position.segment, entry.position.offset
        if segment is not None and offset is not None:
            fold.place(stream, segment, offset)
            break
    return fold.entry(stream)


def _is_one_history(first: Entry, then: Entry) -> bool:
    """Whether openings that later lines repeat are what they were; only the last 64 are known."""
    if max(len(first.epochs), len(then.epochs)) >= MAX_EPOCHS:
        return False
    seqs = SeqSet(then.seen)
    return [each for each in first.epochs if each[1] in seqs] == [*then.epochs]
