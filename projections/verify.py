"""Checking ``stats.json`` against its log, from scratch, also beside live workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.filesystem import RealFileSystem
from events.log.stream import list_streams, stream_folder
from projections.fold import Fold
from projections.reading import Problem, nothing, read_stream
from projections.snapshot import Snapshot
from projections.store import SnapshotStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from projections.entry import Entry


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
        attempts: Attempts that the whole log holds.
        behind: Attempts in the log that stats.json does not cover yet.
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
    goes on writing meanwhile makes no difference; what lies beyond is counted as behind.

    Raises:
        SnapshotError: stats.json cannot be read at all.
    """
    real: FileSystem = fs or RealFileSystem()
    stored = SnapshotStore(data, fs=real, clock=clock or SystemClock()).load()
    claimed = dict((stored or Snapshot.empty()).streams)
    streams = list_streams(data, real)
    fold = Fold()
    differences: list[str] = []
    incomplete = 0

    def noticed(found: Problem) -> None:
        nonlocal incomplete
        incomplete += found.incomplete
        problem(found)

    for stream in streams:
        folder = stream_folder(data, stream)
        entry = claimed.pop(stream, None)
        if entry is not None:
            difference = _compare(
                fold, stream, entry, folder, fs=real, problem=problem, progress=progress
            )
            differences += [] if difference is None else [f"stream {stream!r}: {difference}"]
        for _ in read_stream(fold, stream, folder, real, problem=noticed, progress=progress):
            pass
    differences += [
        f"stream {stream!r}: stats.json counts {entry.position.seq} events of it, "
        "the log has no such stream"
        for stream, entry in claimed.items()
    ]
    whole = Snapshot(fold.entries())
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
        attempts=whole.total().jobs_processed,
        behind=max(0, whole.total().jobs_processed - _covered(stored)),
        streams=len(streams),
        has_snapshot=stored is not None,
    )


def _covered(stored: Snapshot | None) -> int:
    return stored.total().jobs_processed if stored is not None else 0


def _compare(
    fold: Fold,
    stream: str,
    entry: Entry,
    folder: Path,
    *,
    fs: FileSystem,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None],
) -> str | None:
    """Fold ``stream`` up to the position of ``entry``; say how that differs from it, if it does."""
    position = entry.position
    if position.segment is None or position.offset is None:
        return "stats.json has no place in the log for it"

    def complete(found: Problem) -> None:
        if not found.incomplete:  # cut by the position, if that is wrong; not by the log
            problem(found)

    until = (position.segment, position.offset)
    for _ in read_stream(
        fold, stream, folder, fs, until=until, problem=complete, progress=progress
    ):
        pass
    found = fold.entry(stream)
    if found == entry:
        return None
    if found.position != position:
        return (
            f"stats.json covers it up to seq {position.seq} (byte {position.offset} of segment "
            f"{position.segment}), the log does not hold that place"
        )
    theirs = found.stats.to_dict()
    wrong = [
        f"{key} is {ours!r} in stats.json, {theirs[key]!r} in the log"
        for key, ours in entry.stats.to_dict().items()
        if ours != theirs[key] and isinstance(ours, int | float | type(None))
    ]
    return "; ".join(wrong) or "the details differ"
