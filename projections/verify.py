"""Checking ``stats.json`` against its log, from scratch, also beside live workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.clock import SystemClock
from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.stream import list_streams, stream_folder
from projections.errors import ProjectionError
from projections.fold import Fold
from projections.reading import Problem, nothing, read_stream
from projections.snapshot import Snapshot
from projections.store import SnapshotStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from projections.entry import Entry
    from worker.stats import SyncStats

_SHOWN = 5
"""How many differences of a stream are told."""


@dataclass(frozen=True)
class Gap:
    """Lines that a stream lacks: seq ``first`` to ``last``, both included."""

    stream: str
    first: int
    last: int

    def __str__(self) -> str:
        count = self.last - self.first + 1
        lines = "1 line is" if count == 1 else f"{count} lines are"
        return f"stream {self.stream!r}: {lines} missing, seq {self.first} to {self.last}"


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Attributes:
        differences: One sentence for each way in which stats.json is not a fold of the log.
        gaps: Missing lines of the log.
        invalid_lines: Lines that could not be believed.
        incomplete_lines: Unfinished last lines (they may be being written).
        duplicates: Lines that stand in the log again.
        attempts: Attempts that the whole log holds, without those that were skipped.
        behind: Attempts beyond the place in the log up to which stats.json goes, skipped ones too.
        streams: How many streams the log has.
        has_snapshot: Whether there was a stats.json to check.
    """

    differences: tuple[str, ...]
    gaps: tuple[Gap, ...]
    invalid_lines: int
    incomplete_lines: int
    duplicates: int
    attempts: int
    behind: int
    streams: int
    has_snapshot: bool

    @property
    def ok(self) -> bool:
        """No difference, and no gap."""
        return not self.differences and not self.gaps


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
    segments are read once.

    Raises:
        ProjectionError: stats.json, or a part of the log, cannot be read.
    """
    real: FileSystem = fs or RealFileSystem()
    stored = SnapshotStore(data, fs=real, clock=clock or SystemClock()).load()
    claimed = dict((stored or Snapshot.empty()).streams)
    streams = list_streams(data, real)  # after stats.json: so all that it covers is there
    fold = Fold()
    differences: list[str] = []
    covered = incomplete = 0

    def noticed(found: Problem) -> None:
        nonlocal incomplete
        incomplete += found.incomplete
        problem(found)

    for stream in streams:
        folder = stream_folder(data, stream)
        entry = claimed.pop(stream, None)
        try:
            if entry is not None:
                until = (entry.position.segment, entry.position.offset)
                _fold_until(
                    until, fold, stream, folder, fs=real, problem=problem, progress=progress
                )
                part = fold.entry(stream)
                covered += _attempts(part.stats)
                difference = _difference(entry, part)
                differences += [] if difference is None else [f"stream {stream!r}: {difference}"]
            for _ in read_stream(fold, stream, folder, real, problem=noticed, progress=progress):
                pass
        except (OSError, EventsError) as error:
            raise ProjectionError(
                f"the log of stream {stream!r} cannot be read to its end: {error}"
            ) from error
    differences += [
        f"stream {stream!r}: stats.json counts it up to seq {entry.position.seq}, the log has no "
        "such stream"
        for stream, entry in claimed.items()
    ]
    # A folder without any line is no stream yet.
    whole = Snapshot({n: e for n, e in fold.entries().items() if e.position.segment is not None})
    total = whole.total()
    return Verification(
        differences=tuple(differences),
        gaps=tuple(
            Gap(stream, start, end - 1)
            for stream, entry in sorted(whole.streams.items())
            for start, end in entry.gaps
        ),
        invalid_lines=whole.invalid_lines,
        incomplete_lines=incomplete,
        duplicates=whole.duplicates,
        attempts=total.jobs_processed,
        behind=_attempts(total) - covered,
        streams=len(streams),
        has_snapshot=stored is not None,
    )


def _attempts(stats: SyncStats) -> int:
    return stats.jobs_processed + stats.jobs_skipped


def _fold_until(
    until: tuple[int | None, int | None],
    fold: Fold,
    stream: str,
    folder: Path,
    *,
    fs: FileSystem,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None],
) -> None:
    """Fold a stream up to a position; nothing of it where that is no place in the log."""
    segment, offset = until
    if segment is None or offset is None:
        return

    def complete(found: Problem) -> None:
        if not found.incomplete:  # cut by the position, if that is wrong; not by the log
            problem(found)

    for _ in read_stream(
        fold, stream, folder, fs, until=(segment, offset), problem=complete, progress=progress
    ):
        pass


def _difference(entry: Entry, log: Entry) -> str | None:
    """How an entry of stats.json differs from the fold up to its position, if it does."""
    if log == entry:
        return None
    position = entry.position
    if position.segment is None:
        return "stats.json does not say up to which place of the log it goes"
    if log.position != position:
        return (
            f"stats.json covers it up to seq {position.seq} (byte {position.offset} of segment "
            f"{position.segment}), the log does not hold that place"
        )
    ours, theirs = (dict(_flat(e.to_dict())) for e in (entry, log))
    wrong = [
        f"{name} is {ours.get(name)!r} in stats.json, {theirs.get(name)!r} in the log"
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    ]
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return "; ".join(wrong[:_SHOWN] + more)


def _flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested objects, each under the names that lead to it."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield path.removeprefix("stats.") + name, value
