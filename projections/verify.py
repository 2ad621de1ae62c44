"""Checking ``stats.json`` against its log, from scratch, also beside live workers."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.stream import list_streams, stream_folder
from projections.differences import differs
from projections.errors import ProjectionError
from projections.fold import Fold
from projections.problems import Problem, nothing
from projections.reading import read_stream
from projections.snapshot import Snapshot
from projections.store import SnapshotStore
from projections.summaries.check import SummaryCheck
from projections.summaries.store import SummaryStore
from projections.summary import list_kept, read_summary
from projections.verification import Gap, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry
    from projections.summary import Summary
    from worker.stats import SyncStats

_TRIES = 5
"""How often a check is begun again because the log is pruned while it runs."""


class _PrunedMeanwhileError(Exception):
    """The log was pruned while it was checked, beyond where ``stats.json`` stood at first."""


def verify(
    data: Path,
    *,
    fs: FileSystem | None = None,
    clock: Clock | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> Verification:
    """Fold the log of a data folder from its start and hold ``stats.json`` against it.

    Each stream is compared at exactly the position that stats.json gives, so a worker that
    goes on writing meanwhile makes no difference; what lies beyond is counted as behind. Plain
    segments are read once. A stream that was pruned begins with its summary. Of sealed segments
    no summary is believed: what a rebuild would take from it is compared with the lines.

    Raises:
        ProjectionError: stats.json, a summary, or a part of the log, cannot be read.
    """
    real: FileSystem = fs or RealFileSystem()
    store = SnapshotStore(data, fs=real, clock=clock or SystemClock())
    for _ in range(_TRIES):
        with suppress(_PrunedMeanwhileError):
            return _Check(data, store, real, problem, progress).run()
    raise ProjectionError(f"the log in {data} is pruned again and again: check it after that")


class _Check:
    """One fold of the whole log, and what is found by it."""

    def __init__(
        self,
        data: Path,
        store: SnapshotStore,
        fs: FileSystem,
        problem: Callable[[Problem], None],
        progress: Callable[[int], None],
    ) -> None:
        self._data = data
        self._store = store
        self._fs = fs
        self._problem = problem
        self._progress = progress
        self._fold = Fold()
        self._summaries: list[Summary] = []
        self._differences: list[str] = []
        self._breaks: list[str] = []
        self._wrong: list[str] = []
        self._changed: list[str] = []
        self._stored_summaries = SummaryStore(data, fs)
        self._covered = self._incomplete = 0
        self._stored: Snapshot | None = None

    def run(self) -> Verification:
        stored = self._stored = self._store.load()
        claimed = dict((stored or Snapshot.empty()).streams)
        # After stats.json: so all that it covers is there.
        streams = list_streams(self._data, self._fs)
        for stream in streams:
            try:
                self._check(stream, claimed.pop(stream, None))
            except (OSError, EventsError) as error:
                raise ProjectionError(
                    f"the log of stream {stream!r} cannot be read to its end: {error}"
                ) from error
        self._differences += [
            f"stream {stream!r}: stats.json counts it up to seq {entry.position.seq}, the log has "
            "no such stream"
            for stream, entry in claimed.items()
        ]
        # A folder without any line is no stream yet.
        entries = self._fold.entries().items()
        whole = Snapshot({n: e for n, e in entries if e.position.segment is not None})
        total = whole.total()
        return Verification(
            differences=tuple(self._differences),
            gaps=tuple(
                Gap(stream, start, end - 1)
                for stream, entry in sorted(whole.streams.items())
                for start, end in entry.gaps
            ),
            invalid_lines=whole.invalid_lines,
            incomplete_lines=self._incomplete,
            duplicates=whole.duplicates,
            attempts=total.jobs_processed,
            behind=_attempts(total) - self._covered,
            streams=len(streams),
            pruned_attempts=sum(each.entry.stats.jobs_processed for each in self._summaries),
            pruned_lines=sum(each.lines for each in self._summaries),
            breaks=tuple(self._breaks),
            wrong_summaries=tuple(self._wrong),
            changed_segments=tuple(self._changed),
            has_snapshot=stored is not None,
        )

    def _check(self, stream: str, claim: Entry | None) -> None:
        folder = stream_folder(self._data, stream)
        summary, segments = list_kept(folder, self._fs)
        if summary is not None:
            self._summaries.append(summary)
            self._fold.begin(stream, summary.entry)
            self._breaks += _breaks(summary, segments)
        check = SummaryCheck(self._stored_summaries.of(stream), stream, segments, self._fs)
        try:
            if claim is not None:
                self._compare(claim, stream, summary, segments, check)
            for segment in self._read(stream, segments, None, self._noticed):
                check.begin(segment, self._fold)
            self._wrong += check.wrong
            self._changed += map(str, check.changed)
        except FileNotFoundError as error:
            now = read_summary(folder, self._fs)
            if now is not None and (summary is None or now.end > summary.end):
                raise _PrunedMeanwhileError from error
            raise

    def _compare(
        self,
        claim: Entry,
        stream: str,
        summary: Summary | None,
        segments: Sequence[Segment],
        check: SummaryCheck,
    ) -> None:
        """Fold up to the place in the log that stats.json tells, and hold it against that."""
        segment, offset = claim.position.segment, claim.position.offset
        if summary is not None and segment is not None and segment < summary.end:
            if self._store.load() != self._stored:
                raise _PrunedMeanwhileError
            self._differences.append(
                f"stream {stream!r}: stats.json covers it up to seq {claim.position.seq}, its "
                f"summary.json up to seq {summary.entry.position.seq}: an older copy was restored"
            )
        elif segment is None or offset is None:
            self._tell(claim, stream)
        else:
            for each in self._read(stream, segments, (segment, offset), self._complete):
                check.begin(each, self._fold)
            self._tell(claim, stream)
        self._covered += _attempts(self._fold.entry(stream).stats)

    def _tell(self, claim: Entry, stream: str) -> None:
        difference = differs(claim, self._fold.entry(stream))
        self._differences += [] if difference is None else [f"stream {stream!r}: {difference}"]

    def _read(
        self,
        stream: str,
        segments: Sequence[Segment],
        until: tuple[int, int] | None,
        problem: Callable[[Problem], None],
    ) -> Iterator[Segment]:
        folder = stream_folder(self._data, stream)
        return read_stream(
            self._fold,
            stream,
            folder,
            self._fs,
            segments=segments,
            until=until,
            problem=problem,
            progress=self._progress,
        )

    def _complete(self, found: Problem) -> None:
        if not found.incomplete:  # cut by the position, if that is wrong; not by the log
            self._problem(found)

    def _noticed(self, found: Problem) -> None:
        self._incomplete += found.incomplete
        self._problem(found)


def _breaks(summary: Summary, segments: Sequence[Segment]) -> list[str]:
    """Whether the log lacks the segment that a prune has left as the first."""
    if segments and segments[0].first_seq == summary.end:
        return []
    found = f"begins at seq {segments[0].first_seq}" if segments else "is empty"
    broken = (
        f"stream {summary.stream!r}: its summary.json ends at seq {summary.end}, but the log after "
        f"that {found}: segments are missing"
    )
    return [broken]


def _attempts(stats: SyncStats) -> int:
    return stats.jobs_processed + stats.jobs_skipped
