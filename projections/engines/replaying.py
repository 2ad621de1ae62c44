"""Replay on an engine: the same result as in one process, from partial results of partitions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from projections.engines.partial import Partial, merge
from projections.engines.partitions import Partition, cut
from projections.engines.work import Again
from projections.entry import FOLD_VERSION
from projections.errors import SourceError, StrictError
from projections.fold import Fold
from projections.folders import refuse_forks
from projections.problems import nothing
from projections.replay import Replayed, refuse_unknown
from projections.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projections.engines.planning import Plan
    from projections.engines.work import Refolded
    from projections.problems import Problem


class Engine(Protocol):
    """Works partitions, somewhere."""

    @property
    def workers(self) -> int:
        """How many partitions are worked at the same time."""
        ...

    def fold(self, partitions: Sequence[Partition], done: Callable[[Partition], None]) -> Partial:
        """Fold all partitions, and merge what they add up to in the partitions' order.

        Args:
            partitions: They.
            done: Told of each that was folded.

        Raises:
            SyncStatsError: One could not be folded, however often it was tried.
        """
        ...

    def again(self, tasks: Sequence[Again]) -> list[Refolded]:
        """Work these tasks.

        Raises:
            SyncStatsError: As above.
        """
        ...


def replay_on(
    engine: Engine,
    asked: Plan,
    *,
    strict: bool = False,
    problem: Callable[[Problem], None] = nothing,
    unsaid: Callable[[int], None] = nothing,
    progress: Callable[[int], None] = nothing,
    told: Callable[[str], None] = nothing,
) -> tuple[Replayed, int]:
    """Fold what a plan names.

    Args:
        engine: Who works it.
        asked: The plan.
        strict: Refuse invalid lines.
        problem: Told of the first invalid lines and unfinished last ones, in their order.
        unsaid: Told how many there were beside those.
        progress: Told how many bytes of files were worked.
        told: Told of each log whose format was recognised.

    Returns:
        What `projections.replay.replay` gives for the same files, and how many bytes of text were
        read.

    Raises:
        SourceError: As of `projections.replay.replay`; or workers run another version.
        StrictError: ``strict``, and a line is invalid.
    """
    partitions = cut(asked.pieces, engine.workers)
    whole = engine.fold(partitions, lambda partition: progress(partition.stored))
    if whole.version != FOLD_VERSION:
        raise SourceError(
            f"a worker runs another version of syncstats (its fold is version {whole.version}, "
            f"this one {FOLD_VERSION}): install the same on all machines"
        )
    _tell(whole, strict=strict, problem=problem, unsaid=unsaid, told=told)
    unknown = refuse_unknown(dict(whole.notes.logs), alone=not asked.folders)
    whole = merge([Partial(asked.begin, {}), whole])
    count = Counter(name for name, _ in asked.folders)
    clashes = whole.clashes | {stream for stream in whole.forks if count[stream] > 1}
    entries = {**whole.entries}
    forks: dict[str, int] = {}
    for refolded in engine.again(_tasks(clashes, whole, partitions, asked)):
        entries |= refolded.entries
        forks |= refolded.forks
    refuse_forks(forks, asked.folders)
    fold = Fold(entries)
    if not asked.one_log:
        for stream in entries:
            fold.displace(stream)
    notes = whole.notes
    return Replayed(Snapshot(fold.entries()), notes.incomplete, unknown), notes.read


def _tell(
    whole: Partial,
    *,
    strict: bool,
    problem: Callable[[Problem], None],
    unsaid: Callable[[int], None],
    told: Callable[[str], None],
) -> None:
    notes = whole.notes
    for text in notes.told:
        told(text)
    for found in notes.found:
        one = notes.numbered(found)
        if strict and not one.incomplete:
            raise StrictError(f"invalid line: {one}")
        problem(one)
    if strict and notes.first_invalid is not None:
        raise StrictError(f"invalid line: {notes.numbered(notes.first_invalid)}")
    unsaid(notes.invalid + notes.incomplete - len(notes.found))
    if notes.failure is not None:
        raise SourceError(notes.failure)


def _tasks(
    clashes: frozenset[str], whole: Partial, partitions: Sequence[Partition], asked: Plan
) -> list[Again]:
    """Put streams that stand in the same files into one task."""
    groups: list[tuple[set[str], set[tuple[int, int]]]] = []
    for stream in sorted(clashes):
        places = {
            (number, at)
            for number in whole.homes[stream]
            for at, piece in enumerate(partitions[number].pieces)
            if piece.stream in {None, stream}
        }
        streams = {stream}
        for group in [group for group in groups if group[1] & places]:
            groups.remove(group)
            streams |= group[0]
            places |= group[1]
        groups.append((streams, places))
    return [
        Again(
            frozenset(streams),
            {name: asked.begin[name] for name in streams if name in asked.begin},
            tuple(partitions[number].pieces[at] for number, at in sorted(places)),
        )
        for streams, places in groups
    ]
