"""What a path on the command line means: files, folders, event logs, globs, standard input."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from events.log.stream import valid_stream_name

from events.log.segment import list_segments
from projections.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.filesystem import FileSystem

STDIN = "-"
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")


@dataclass(frozen=True)
class Source:
    """Something to read lines from.

    Attributes:
        kind: ``stream`` is a stream's folder in an event log, read segment by segment; ``file`` a
            file of lines from anywhere; ``stdin`` the standard input.
        path: The folder or file.
    """

    kind: Literal["stream", "file", "stdin"]
    path: Path


def find_sources(paths: Iterable[str], fs: FileSystem) -> list[Source]:
    """Find what ``paths`` name, each thing once, in a fixed order.

    Args:
        paths: Files (also ``.gz`` and ``.zst``), folders, data folders, globs (``**`` for any
            depth), and ``-``.
        fs: Where they are.

    Raises:
        SourceError: One of them is not there, or names nothing that could be read.
    """
    found: dict[object, Source] = {}
    for text in paths:
        for source in _expand(text, fs):
            key = STDIN if source.kind == "stdin" else fs.identity(source.path)
            found.setdefault(key, source)
    return list(found.values())


def _expand(text: str, fs: FileSystem) -> list[Source]:
    if text == STDIN:
        return [Source("stdin", Path(STDIN))]
    path = Path(text)
    if not fs.exists(path):
        matches = sorted(glob.glob(text, recursive=True)) if glob.has_magic(text) else []  # noqa: PTH207  # pathlib refuses absolute patterns
        if not matches:
            what = "matches nothing" if glob.has_magic(text) else "does not exist"
            raise SourceError(f"{text} {what}; name a file, a folder of .jsonl files, or -")
        return [s for match in matches for s in _named(Path(match), fs, asked=False)]
    return _named(path, fs, asked=True)


def _named(path: Path, fs: FileSystem, *, asked: bool) -> list[Source]:
    if not path.is_dir():
        return [Source("file", path)]
    log = path / "events" if fs.is_folder(path / "events") else path
    inside = _in_folder(log, fs)
    if not inside and asked and log == path and not _is_data_folder(path, fs):
        raise SourceError(f"{path} holds no .jsonl files and no streams; is it the right folder?")
    return inside


def _is_data_folder(path: Path, fs: FileSystem) -> bool:
    return fs.exists(path / "queue.db")


def _in_folder(folder: Path, fs: FileSystem) -> list[Source]:
    sources: list[Source] = []
    for name in fs.list_folder(folder):
        path = folder / name
        if fs.is_folder(path):
            if valid_stream_name(name) and list_segments(path, fs):
                sources.append(Source("stream", path))
        elif name.endswith(SUFFIXES):
            sources.append(Source("file", path))
    return sources


def total_bytes(sources: Iterable[Source], fs: FileSystem) -> int | None:
    """How many bytes of text there are to read; None where that shows only while reading."""
    total = 0
    for source in sources:
        if source.kind == "stdin":
            return None
        segments = list_segments(source.path, fs) if source.kind == "stream" else []
        files = [s.path for s in segments] if source.kind == "stream" else [source.path]
        if any(path.suffix in {".gz", ".zst"} for path in files):
            return None
        total += sum(fs.size(path) for path in files)
    return total
