"""Folding events again, from any files: what the numbers are, without touching anything."""

from __future__ import annotations

from contextlib import nullcontext
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
    from contextlib import AbstractContextManager

    from events.filesystem import FileSystem


@dataclass(frozen=True)
class Replayed:
    """What was read.

    Attributes:
        snapshot: What it adds up to; with positions where all lines came from one event log.
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

    sources = find_sources(paths, real)
    for source in sources:
        try:
            _read(fold, source, stdin, fs=real, problem=noticed, progress=progress)
        except EventsError as error:  # it names the file
            raise SourceError(str(error)) from error
        except OSError as error:
            why = error.strerror or str(error)
            raise SourceError(f"{_name(source)} cannot be read: {why}") from error
    if not _is_one_log(sources):
        for stream in fold.entries():
            fold.displace(stream)
    return Replayed(Snapshot(fold.entries()), incomplete)


def _is_one_log(sources: Sequence[Source]) -> bool:
    """Whether all lines of each stream come from one folder, so that it has a place in a log."""
    streams = [source.path.name for source in sources if source.kind == "stream"]
    return len(streams) == len(sources) and len(streams) == len(set(streams))


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
        stream = source.path.name
        fold.displace(stream)  # another folder of this name may have been read
        for _ in read_stream(fold, stream, source.path, fs, problem=problem, progress=progress):
            pass
        return
    with _open(source, stdin, fs) as file:
        for _ in read_file(fold, file, _name(source), problem=problem, progress=progress):
            pass


def _name(source: Source) -> str:
    return "standard input" if source.kind == "stdin" else str(source.path)


def _open(source: Source, stdin: BinaryIO, fs: FileSystem) -> AbstractContextManager[BinaryIO]:
    if source.kind == "stdin":
        return nullcontext(stdin)
    if source.kind == "pipe":
        return source.path.open("rb")
    return open_source(source.path, fs)
