"""Folding a stream by what its sealed segments add up to; those that changed are read, and summed.

The result is that of reading all. A segment's summary is used where its file is the one that it was
made of, and none of its events were seen before; then the order of merging makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from events.errors import EventsError
from projections.fold import Fold
from projections.problems import nothing
from projections.reading import read_stream
from projections.summaries.segment import SegmentSummary, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry
    from projections.problems import Problem
    from projections.summaries.group import StoredGroup
    from projections.summaries.segment import SegmentFile


class Stored:
    """What is stored of a stream's segments; it is looked at when it is needed first.

    Args:
        load: Gives all that can be believed.
        fs: Where the segments are.
    """

    def __init__(self, load: Callable[[], Iterable[StoredGroup]], fs: FileSystem) -> None:
        self._load = load
        self._fs = fs

    @cached_property
    def groups(self) -> dict[int, StoredGroup]:
        """The groups, by their first segments."""
        return {stored.group.files[0].segment: stored for stored in self._load()}

    @cached_property
    def _files(self) -> dict[int, tuple[StoredGroup, SegmentFile]]:
        return {
            file.segment: (stored, file)
            for stored in self.groups.values()
            for file in stored.group.files
        }

    def path(self, segment: int) -> Path:
        """The file in which something is stored of a segment, by its first seq."""
        return self._files[segment][0].path

    def group(self, segments: Sequence[Segment]) -> tuple[Entry, tuple[SegmentFile, ...]] | None:
        """What the first of some segments add up to, and which these are; None if not known."""
        stored = self.groups.get(segments[0].first_seq)
        if stored is None:
            return None
        files = stored.group.files
        entry = stored.group.entry() if stored.fits(segments[: len(files)]) else None
        return None if entry is None else (entry, files)

    def single(self, segment: Segment) -> SegmentSummary | None:
        """What one segment adds up to; None if that is not known."""
        stored, file = self._files.get(segment.first_seq, (None, None))
        if stored is None or file is None or not file.fits(segment, self._fs):
            return None
        return stored.single(file)


def nothing_stored(fs: FileSystem) -> Stored:
    """What is stored where nothing is, or nothing is to be believed."""
    return Stored(tuple, fs)


@dataclass(frozen=True)
class SummedReader:
    """Folds a stream's segments, by their summaries where those fit.

    Args:
        fold: What the lines are folded into, and where reading goes on from.
        stream: The stream's name.
        fs: Where the segments are.
        stored: What is known of them.
        made: Told of each summary that was made.
        problem: Told of each invalid line, and of an unfinished last one.
        progress: Told how many bytes were read, or need not be.
    """

    fold: Fold
    stream: str
    fs: FileSystem
    stored: Stored
    made: Callable[[SegmentSummary], object] = nothing
    problem: Callable[[Problem], None] = nothing
    progress: Callable[[int], None] = nothing

    def read(self, segments: Sequence[Segment], sealed: int) -> Iterator[Segment]:
        """Fold what some segments hold beyond the fold's position; yield those that are read.

        The fold's position is always that of what was folded, also when reading ends with an error.

        Args:
            segments: The segments, oldest first.
            sealed: Those below this ``seq`` are sealed.

        Raises:
            EventsError: One is damaged.
            OSError: One cannot be read.
        """
        full = [segment for segment in segments if segment.first_seq < sealed]
        summed = 0
        for at, segment in enumerate(segments):
            if at < summed:
                continue
            begin, _ = self.fold.position(self.stream)
            whole = at < len(full) and segment.first_seq != begin
            count = self._sum(full[at:]) if whole else 0
            if not count:
                yield segment
                if whole:
                    self._read_apart(segment)
                else:  # it is written to, or folded in part
                    self._read(segment)
            summed = at + count

    def _sum(self, segments: Sequence[Segment]) -> int:
        """Add what the first of some segments add up to; how many that were, 0 if not known."""
        together = self.stored.group(segments)
        if together is not None and self.fold.follow(self.stream, together[0]):
            files = together[1]
        elif (one := self.stored.single(segments[0])) is not None and self.fold.follow(
            self.stream, one.entry
        ):
            files = (one.file,)
        else:
            return 0
        self.progress(sum(file.size for file in files))
        return len(files)

    def _read(self, segment: Segment, *, again: bool = False) -> None:
        for _ in read_stream(
            self.fold,
            self.stream,
            segment.path.parent,
            self.fs,
            segments=[segment],
            problem=nothing if again else self.problem,
            progress=nothing if again else self.progress,
        ):
            pass

    def _read_apart(self, segment: Segment) -> None:
        """Fold a segment by itself, and then add that."""
        apart, summary, failure = Fold(), None, None
        try:
            summary = summarise(
                segment,
                self.stream,
                self.fs,
                fold=apart,
                problem=self.problem,
                progress=self.progress,
            )
        except (OSError, EventsError) as error:
            failure = error
        if not self.fold.follow(self.stream, apart.entry(self.stream)):
            # Some of its lines were seen before: it takes each of them to tell which.
            self._read(segment, again=True)
        elif failure is not None:
            raise failure
        if summary is not None:
            self.made(summary)
