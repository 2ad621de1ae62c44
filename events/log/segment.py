"""The files of a stream: named by their first ``seq``, only the last of them written to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from events.filesystem import REAL
from events.log.compression import SUFFIXES, decompress

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem

_NAME = re.compile(r"([0-9]{20})\.jsonl(\.gz|\.zst)?")


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a stream.

    Attributes:
        first_seq: Number of its first event, which names it.
        path: The file.
        compression: "" for plain text, else ".gz" or ".zst".
    """

    first_seq: int
    path: Path
    compression: str


def segment_name(first_seq: int) -> str:
    """The file name of a plain segment.

    >>> segment_name(1024)
    '00000000000000001024.jsonl'
    """
    return f"{first_seq:020d}.jsonl"


def list_segments(folder: Path, fs: FileSystem) -> list[Segment]:
    """The segments of a stream's folder, oldest first; whatever else lies there is ignored.

    While a segment is being compressed, both files are there: the plain one is taken.

    Raises:
        OSError: The folder cannot be listed.
    """
    found: dict[int, Segment] = {}
    for name in fs.list_folder(folder):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        segment = Segment(int(match[1]), folder / name, match[2] or "")
        other = found.get(segment.first_seq)
        if other is None or _rank(segment) < _rank(other):
            found[segment.first_seq] = segment
    return sorted(found.values(), key=lambda segment: segment.first_seq)


def open_segment(segment: Segment, fs: FileSystem) -> BinaryIO:
    """Open a segment; what is read is its uncompressed text. Errors as of `open_source`."""
    return open_source(segment.path, fs)


def open_source(path: Path, fs: FileSystem = REAL) -> BinaryIO:
    """Open any file of lines, by its suffix: ``.gz``, ``.zst`` (several parts too), else plain.

    Raises:
        EventsError: It is no regular file; or, while reading, it is damaged or cut short.
        OSError: It cannot be opened.
    """
    return decompress(path, fs.open_read(path))


def _rank(segment: Segment) -> int:
    return SUFFIXES.index(segment.compression)
