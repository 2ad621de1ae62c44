"""The files of a stream: named by their first ``seq``, only the last of them written to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from events.filesystem import REAL
from events.limits import MAX_INTEGER
from events.log.compression import SUFFIXES, decompress

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from events.filesystem import FileSystem

_NAME = re.compile(r"([0-9]{20})\.jsonl(\.gz|\.zst)?")
_READ_AT_ONCE = 64  # names of a folder that every system lists in one step


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


def parse_segment(path: Path) -> Segment | None:
    """What a file is by its name: a segment in one of its forms, or None.

    A number that no event can have names no segment.
    """
    match = _NAME.fullmatch(path.name)
    if match is None or (first_seq := int(match[1])) > MAX_INTEGER:
        return None
    return Segment(first_seq, path, match[2] or "")


def list_segments(folder: Path, fs: FileSystem) -> list[Segment]:
    """The segments of a stream's folder, oldest first; whatever else lies there is ignored.

    While a segment is being compressed, both files are there: the plain one is taken.

    Raises:
        OSError: The folder cannot be listed.
    """
    names = fs.list_folder(folder)
    found = _best(names)
    if len(names) > _READ_AT_ONCE:
        # A long listing takes several steps. One that begins after it and ends before it may miss
        # both names of a segment that is compressed meanwhile; the next listing has the new one.
        again = fs.list_folder(folder)
        found |= _best(again) if again != names else {}
    return [
        Segment(seq, folder / (n + suffix), suffix) for seq, (n, suffix) in sorted(found.items())
    ]


def _best(names: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Each segment's plain name, and the suffix of the form that is to be read."""
    found: dict[int, tuple[str, str]] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None or (first_seq := int(match[1])) > MAX_INTEGER:
            continue
        suffix = match[2] or ""
        other = found.get(first_seq)
        if other is None or SUFFIXES.index(suffix) < SUFFIXES.index(other[1]):
            found[first_seq] = (name.removesuffix(suffix), suffix)
    return found


def rank(segment: Segment) -> int:
    """Of several forms of a segment, the one of the least rank is read."""
    return SUFFIXES.index(segment.compression)


def forms(segment: Segment, fs: FileSystem) -> list[Segment]:
    """All files that are this segment, the one to be read first."""
    folder = segment.path.parent
    found = (parse_segment(folder / name) for name in fs.list_folder(folder))
    same = [each for each in found if each is not None and each.first_seq == segment.first_seq]
    return sorted(same, key=rank)


def open_segment(segment: Segment, fs: FileSystem) -> BinaryIO:
    """Open a segment that was listed; what is read is its uncompressed text.

    One that was compressed since is read as such.

    Raises:
        FileNotFoundError: It is gone in every form.
        EventsError: As of `open_source`.
        OSError: It cannot be opened.
    """
    try:
        return open_source(segment.path, fs)
    except FileNotFoundError:
        for now in forms(segment, fs):
            if now.path != segment.path:
                return open_source(now.path, fs)
        raise


def open_source(path: Path, fs: FileSystem = REAL) -> BinaryIO:
    """Open any file of lines, by its suffix: one of `COMPRESSED` (several parts too), else plain.

    Raises:
        EventsError: It is no regular file; or, while reading, it is damaged or cut short.
        OSError: It cannot be opened.
    """
    return decompress(path, fs.open_read(path))
