"""What a path on the command line means: files, folders, event logs, globs, standard input."""

from __future__ import annotations

import glob
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from events.log.compression import COMPRESSED
from events.log.segment import list_segments, parse_segment, rank
from events.log.stream import EVENTS_FOLDER, SUMMARY_NAME, valid_stream_name
from projections.errors import SourceError
from projections.names import LOCAL_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from events.filesystem import FileSystem
    from projections.names import Names

STDIN = "-"
SUFFIXES = (".jsonl", *(".jsonl" + suffix for suffix in COMPRESSED))


@dataclass(frozen=True)
class Source:
    """Something to read lines from.

    Attributes:
        kind: ``stream`` is a stream's folder in an event log, read segment by segment, whose lines
            have to be of that stream; ``file`` a file of lines from anywhere; ``pipe`` a pipe or
            device that was asked for by its name; ``stdin`` the standard input.
        path: The folder or file.
    """

    kind: Literal["stream", "file", "pipe", "stdin"]
    path: Path


def find_sources(
    paths: Iterable[str],
    fs: FileSystem,
    passed_over: Callable[[Path, OSError], None] | None = None,
    *,
    names: Names = LOCAL_NAMES,
    any_file: bool = True,
) -> list[Source]:
    """Find what ``paths`` name, each thing once however often it is named, in a fixed order.

    A folder ``events`` of streams (alone, or in a data folder) is an event log and gives those; a
    folder of segments in one is a stream, and gives by itself what it gives with the others. Any
    other folder gives the streams and the files of lines that stand in it, and nothing deeper.

    Args:
        paths: Files (also ``.gz``, ``.zst``, ``.bz2`` and ``.xz``), pipes, folders, data folders,
            globs (``**`` for any depth), and ``-``.
        fs: Where they are.
        passed_over: Told of each file that a folder or a glob names and that cannot be looked at,
            such as a link that leads nowhere; without it that is an error.
        names: How names work there.
        any_file: Whether files of other names can be named as well, where a folder holds no others.

    Raises:
        SourceError: One of them is not there, cannot be looked at, or names nothing to read.
    """
    found: dict[object, Source] = {}
    for text in paths:
        try:
            for source in _expand(text, fs, names, any_file=any_file):
                try:
                    key = _key(source, fs, names)
                except OSError as error:
                    if passed_over is None:
                        raise
                    passed_over(source.path, error)
                    continue
                known = found.get(key)
                if known is None or _is_to_be_read(source, known):
                    found[key] = source
        except OSError as error:
            where = error.filename or text
            raise SourceError(f"{where} cannot be read: {error.strerror or error}") from error
    if all(source.kind == "stream" for source in found.values()):
        return [*found.values()]
    inside = _inside_streams(found.values(), fs)
    return [source for key, source in found.items() if key not in inside]


def _key(source: Source, fs: FileSystem, names: Names) -> object:
    """The same for all that names one thing: a segment is one in all its forms."""
    if source.kind == "stdin":
        return STDIN
    path = source.path
    if source.kind == "file":
        path = names.unlinked(path)
        segment = parse_segment(path)
        if segment is not None:
            return fs.identity(path.parent), segment.first_seq
    return fs.identity(source.path)


def _is_to_be_read(source: Source, known: Source) -> bool:
    """Whether of two files that are one segment this is the one to read."""
    one, other = parse_segment(source.path), parse_segment(known.path)
    return one is not None and other is not None and rank(one) < rank(other)


def _inside_streams(sources: Iterable[Source], fs: FileSystem) -> set[object]:
    """The keys of streams' files, which a glob may name beside the streams."""
    found: set[object] = set()
    for source in sources:
        if source.kind != "stream":
            continue
        folder = fs.identity(source.path)
        for name in fs.list_folder(source.path):
            segment = parse_segment(source.path / name)
            if segment is not None:
                found.add((folder, segment.first_seq))
            if segment is not None or name == SUMMARY_NAME:
                with suppress(FileNotFoundError):  # it has just been compressed
                    found.add(fs.identity(source.path / name))  # other names may be links to it
    return found


def _expand(text: str, fs: FileSystem, names: Names, *, any_file: bool) -> list[Source]:
    if text == STDIN:
        return [Source("stdin", Path(STDIN))]
    path = Path(text)
    if fs.exists(path):
        sources = _named(path, fs, names, asked=True)
        if not sources and not _may_be_empty(path, fs, names):
            others = any_file and any(names.is_file(path / name) for name in fs.list_folder(path))
            hint = f" If it is, name its files: '{path / '*'}'" if others else ""
            raise SourceError(
                f"{path} holds no .jsonl files and no streams; is it the right folder?{hint}"
            )
        return sources
    if not glob.has_magic(text):
        raise SourceError(f"{text} does not exist; name a file, a folder of .jsonl files, or -")
    sources = [
        s for match in matches(text, names) for s in _named(Path(match), fs, names, asked=False)
    ]
    if not sources:
        raise SourceError(f"{text} matches nothing that could be read; is it the right pattern?")
    return sources


def matches(pattern: str, names: Names = LOCAL_NAMES) -> list[str]:
    """What a glob names now, in a fixed order."""
    return sorted(names.glob(pattern))


def _named(path: Path, fs: FileSystem, names: Names, *, asked: bool) -> list[Source]:
    if not names.is_folder(path):
        # A pipe is read where it was asked for; where it lies among files, nobody may ever write.
        return [Source("file" if not asked or names.is_file(path) else "pipe", path)]
    if _is_folder(path / EVENTS_FOLDER, fs) and (streams := _streams(path / EVENTS_FOLDER, fs)):
        return streams
    absolute = names.absolute(path)
    if absolute.name == EVENTS_FOLDER and (streams := _streams(path, fs)):
        return streams
    if (
        absolute.parent.name == EVENTS_FOLDER
        and valid_stream_name(absolute.name)
        and _has_stream(path, fs)
    ):
        return [Source("stream", absolute if path.name != absolute.name else path)]
    return _streams(path, fs) + _files(path, fs)


def _may_be_empty(path: Path, fs: FileSystem, names: Names) -> bool:
    """Whether a folder may hold nothing yet: a data folder, or the event log in one."""
    absolute = names.absolute(path)
    data = absolute.parent if absolute.name == EVENTS_FOLDER else absolute
    return fs.exists(data / "queue.db")


def _is_folder(path: Path, fs: FileSystem) -> bool:
    return fs.is_folder(f"{path}/.")  # a link to one too, since it is only read


def _streams(folder: Path, fs: FileSystem) -> list[Source]:
    inside = [folder / name for name in fs.list_folder(folder) if valid_stream_name(name)]
    return [Source("stream", p) for p in inside if _is_folder(p, fs) and _has_stream(p, fs)]


def _has_stream(folder: Path, fs: FileSystem) -> bool:
    """Whether a folder holds anything that counts: segments, or what they added up to."""
    names = fs.list_folder(folder)
    return SUMMARY_NAME in names or any(parse_segment(folder / name) for name in names)


def _files(folder: Path, fs: FileSystem) -> list[Source]:
    names = fs.list_folder(folder)
    segments = {s.path.name for s in list_segments(folder, fs)}
    return [
        Source("file", folder / name)
        for name in names
        if name.endswith(SUFFIXES)
        # of a segment and its compressed twin, one
        and (name in segments or parse_segment(folder / name) is None)
        and not _is_folder(folder / name, fs)
    ]


def total_bytes(sources: Iterable[Source], fs: FileSystem) -> int | None:
    """How many bytes of text there are to read; None where that shows only while reading."""
    total = 0
    for source in sources:
        if source.kind in {"stdin", "pipe"}:
            return None
        segments = list_segments(source.path, fs) if source.kind == "stream" else []
        files = [s.path for s in segments] if source.kind == "stream" else [source.path]
        if any(path.suffix.lower() in COMPRESSED for path in files):
            return None
        try:
            total += sum(fs.size(path) for path in files)
        except FileNotFoundError:  # it is being compressed, or rotated
            return None
    return total
