"""Folding events again, from any files: what the numbers are, without touching anything."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from events.filesystem import RealFileSystem
from events.log.segment import open_segment, open_source, parse_segment
from projections.choosing import Choice, unrecognised
from projections.errors import StrictError
from projections.fold import Fold
from projections.folders import begin, is_one_log, refuse_forks
from projections.intake import Format
from projections.log_files import source_text
from projections.logs import naming, read_logs, refuse_streams, unreadable
from projections.problems import Problem, nothing
from projections.reading import read_file, read_stream
from projections.snapshot import Snapshot
from projections.sources import find_sources
from projections.summary import list_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.logs import Found
    from projections.parallel.head_start import HeadStart
    from projections.sources import Source
    from projections.summary import Summary

NATIVE_CHOICE = Choice()


@dataclass(frozen=True)
class Replayed:
    """What was read.

    Attributes:
        snapshot: What it adds up to; with positions where all lines came from one event log.
        incomplete_lines: Unfinished last lines, which are not counted.
        unknown: The logs of which nothing was counted, as their lines are in no known format.
    """

    snapshot: Snapshot
    incomplete_lines: int
    unknown: tuple[str, ...] = ()


def replay(
    paths: Sequence[str],
    *,
    stdin: BinaryIO,
    choice: Choice = NATIVE_CHOICE,
    strict: bool = False,
    fs: FileSystem | None = None,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
    told: Callable[[str], None] = nothing,
    begun: HeadStart | None = None,
) -> Replayed:
    """Fold what ``paths`` name.

    Args:
        paths: See `projections.sources.find_sources`.
        stdin: What ``-`` means.
        choice: In which format files are; an event log is always in ours.
        strict: Stop at the first invalid line.
        fs: Where the paths are.
        problem: Told of each invalid line, and of unfinished last ones.
        progress: Told how many bytes of text were read, as they are read.
        told: Told of each log whose format was recognised.
        begun: A file that is being tallied already.

    Raises:
        SourceError: A path cannot be read, or is an event log where ``choice`` is another format;
            or no log is in a format that is known; or what was pruned of two folders of one stream
            cannot be told apart.
        SummaryError: What was pruned of a stream cannot be believed.
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
    refuse_streams(sources, choice)
    one_log = is_one_log(sources)
    try:
        kept = _begin(fold, sources, real)
    except OSError as error:
        raise unreadable(error, str(error.filename)) from error
    for source in sources:
        if source.kind == "stream":
            with naming(source_text(source)):
                _read_stream(
                    fold,
                    source.path,
                    kept[source.path],
                    fs=real,
                    alone=one_log,
                    problem=noticed,
                    progress=progress,
                )
        elif choice.known == Format():  # in the order in which they were named
            with naming(source_text(source)):
                opened = _open(source, stdin, real)
                _read(fold, source, opened, problem=noticed, progress=progress, begun=begun)
    logs: dict[str, Found] = {}
    if choice.known != Format():
        logs = read_logs(
            fold,
            [source for source in sources if source.kind != "stream"],
            choice,
            lambda source: _open(source, stdin, real),
            problem=noticed,
            progress=progress,
            told=told,
        )
    unknown = refuse_unknown(logs, alone=not kept)
    if not one_log:
        folders = [(s.path.name, str(s.path)) for s in sources if s.kind == "stream"]
        refuse_forks(fold.forks(), folders)
        for stream in fold.entries():
            fold.displace(stream)
    return Replayed(Snapshot(fold.entries()), incomplete, unknown)


def refuse_unknown(logs: Mapping[str, Found], *, alone: bool) -> tuple[str, ...]:
    """Refuse logs of which none is in a known format; else give those that are in none.

    Raises:
        SourceError: So it is, and nothing else was read (``alone``).
    """
    unknown = tuple(name for name, found in logs.items() if found == "unknown")
    if unknown and alone and "known" not in logs.values():
        raise unrecognised(unknown[0])
    return unknown


def _begin(fold: Fold, sources: Sequence[Source], fs: FileSystem) -> dict[Path, list[Segment]]:
    """Fold the summaries of streams that were pruned; give each stream's segments."""
    segments: dict[Path, list[Segment]] = {}
    summaries: list[tuple[str, Summary]] = []
    for source in sources:
        if source.kind == "stream":
            summary, segments[source.path] = list_kept(source.path, fs)
            if summary is not None:
                summaries.append((str(source.path), summary))
    begin(fold, summaries)
    return segments


def _read_stream(
    fold: Fold,
    folder: Path,
    segments: Sequence[Segment],
    *,
    fs: FileSystem,
    alone: bool,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None],
) -> None:
    stream = folder.name
    while True:
        if not alone:
            fold.displace(stream)  # another folder of this name may have been read
        try:
            for _ in read_stream(
                fold, stream, folder, fs, segments=segments, problem=problem, progress=progress
            ):
                pass
        except FileNotFoundError:
            summary, segments = list_kept(folder, fs)
            place, _ = fold.position(stream)
            if not alone or summary is None or summary.end <= (-1 if place is None else place):
                raise
            fold.begin(stream, summary.entry)  # it was pruned meanwhile
        else:
            return


def _read(
    fold: Fold,
    source: Source,
    opened: AbstractContextManager[BinaryIO],
    *,
    problem: Callable[[Problem], None],
    progress: Callable[[int], None],
    begun: HeadStart | None,
) -> None:
    text = source_text(source)
    with opened as file:
        for _ in read_file(fold, file, text, problem=problem, progress=progress, begun=begun):
            pass


def _open(source: Source, stdin: BinaryIO, fs: FileSystem) -> AbstractContextManager[BinaryIO]:
    if source.kind == "stdin":
        return nullcontext(stdin)
    if source.kind == "pipe":
        return source.path.open("rb")
    segment = parse_segment(source.path)
    return open_source(source.path, fs) if segment is None else open_segment(segment, fs)
