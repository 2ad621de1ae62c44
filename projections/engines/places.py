"""Where sources are: on this machine, or in a store that has URLs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from events.filesystem import REAL
from events.log.segment import open_segment, open_source, parse_segment
from projections.errors import SourceError
from projections.names import LOCAL_NAMES
from projections.sources import STDIN, find_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.filesystem import FileSystem
    from projections.names import Names
    from projections.sources import Source

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://")
_FILE = "file://"


@dataclass(frozen=True)
class Place:
    """A machine's files, or a store's; goes to workers as it is.

    Attributes:
        fs: How they are reached.
        names: How their names work.
        folder: Which folder relative paths are in: workers may run in another one.
        scheme: What stands before a path in messages.
    """

    fs: FileSystem
    names: Names
    folder: Path
    scheme: str = ""

    def shown(self, path: Path) -> str:
        """A path as it is told to people."""
        return f"{self.scheme}{path}"

    def open(self, path: Path) -> BinaryIO:
        """Open a file as the text that it holds; see `events.log.segment.open_source`."""
        there = self.folder / path
        segment = parse_segment(there)
        return open_source(there, self.fs) if segment is None else open_segment(segment, self.fs)

    def told(self, text: str, path: Path) -> str:
        """A message about a file with its name as it is told to people."""
        shown = self.shown(path)
        return (
            text if self.scheme and shown in text else text.replace(str(self.folder / path), shown)
        )


def find_all(
    paths: Sequence[str], *, folder: Path, fs: FileSystem = REAL
) -> list[tuple[Place, Source]]:
    """Find what paths and URLs name, with the rules of `projections.sources.find_sources`.

    Args:
        paths: Paths of this machine, URLs that fsspec knows, and globs of both.
        folder: The folder that relative paths are in.
        fs: This machine's files.

    Raises:
        SourceError: As of `find_sources`; or one names what only this process can read.
    """
    local = Place(fs, LOCAL_NAMES, folder)
    texts: dict[object, tuple[Place, list[str]]] = {}
    for text in paths:
        is_url = _URL.match(text) is not None and not text.startswith(_FILE)
        store, place, inside = _place(text) if is_url else (None, local, text.removeprefix(_FILE))
        texts.setdefault(store, (place, []))[1].append(inside)
    found: list[tuple[Place, Source]] = []
    for place, named in texts.values():
        found += [(place, source) for source in _find(place, named)]
    for _, source in found:
        if source.kind in {"stdin", "pipe"}:
            what = "standard input" if str(source.path) == STDIN else source.path
            raise SourceError(f"only this process can read {what}: replay it without --engine")
    return found


def _find(place: Place, named: Sequence[str]) -> list[Source]:
    try:
        return find_sources(named, place.fs, names=place.names)
    except SourceError as error:
        text = str(error)  # it begins with the path
        raise SourceError(text if place.scheme in text else f"{place.scheme}{text}") from error


def _place(url: str) -> tuple[object, Place, str]:
    from projections.engines.remote import open_store

    files, inside = open_store(url)
    scheme = url[: url.index("://") + 3]
    # Of a file system, it has what reading needs.
    return files.store, Place(cast("FileSystem", files), files, Path(), scheme), inside
