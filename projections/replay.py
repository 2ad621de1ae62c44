"""Folding events again, from any files: what the numbers are, without touching anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.segment import open_source
from projections.errors import SourceError, StrictError
from projections.fold import Fold
from projections.reading import Problem, nothing, read_file, read_stream
from projections.snapshot import Snapshot
from projections.sources import Source, find_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.filesystem import FileSystem


@dataclass(frozen=True)
class Replayed:
    """What was read.

    Attributes:
        snapshot: What it adds up to, with positions where the lines came from an event log.
        incomplete_lines: Unfinished last lines, which are not counted.
    """

    snapshot: Snapshot
    incomplete_lines: int


def replay(
    paths: Sequence[str],
    *,
    stdin: BinaryIO,
    strict: bool = False,
    fs: FileSystem | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
) -> Replayed:
    """Fold what ``paths`` name.

    Args:
        paths: See `projections.sources.find_sources`.
        stdin: What ``-`` means.
        strict: Stop at the first invalid line.
        fs: Where the paths are.
        problem: Told of each invalid line, and of unfinished last ones.
        progress: Told how many bytes of text were read, as they are read.

    Raises:
        SourceError: A path cannot be read.
        StrictError: ``strict``, and a line is invalid.
    """
    real: FileSystem = fs or RealFileSystem()
    fold = Fold()
    incomplete = 0

    def noticed(found: Problem) -> None:
        nonlocal incomplete
        incomplete += found.incomplete
        if strict and not found.incomplete:
            raise StrictError(f"invalid line: {found}")
        problem(found)

    for source in find_sources(paths, real):
        try:
            _read(fold, source, stdin, fs=real, problem=noticed, progress=progress)
        except (OSError, EventsError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"{source.path} cannot be read: {why}") from error
    return Replayed(Snapshot(fold.entries()), incomplete)


def _read(
    fold: Fold,
    source: Source,
    stdin: BinaryIO,
    *,
    fs: FileSystem,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None],
) -> None:
    if source.kind == "stream":
        for _ in read_stream(
            fold, source.path.name, source.path, fs, problem=problem, progress=progress
        ):
            pass
    elif source.kind == "stdin":
        read_file(fold, stdin, "standard input", problem=problem, progress=progress)
    else:
        with open_source(source.path) as file:
            read_file(fold, file, str(source.path), problem=problem, progress=progress)
