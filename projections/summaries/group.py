"""A file of summaries: of some sealed segments of a stream, and of all of them together.

Its first line is all that a rebuild reads as long as the segments are as they were. A line for each
segment follows, for when one of them is not. Each line has a checksum of its own: what was torn,
damaged, or written by another version is as if it were not there.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import msgspec
import orjson

from events.errors import EventsError
from projections.entry import FOLD_VERSION, Entry, entry_from_dict
from projections.errors import SnapshotError
from projections.fold import Fold
from projections.summaries.segment import SegmentFile, SegmentSummary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment

SCHEMA = 1
"""The version of the file's layout."""
_MAX_LINE = 64 << 20  # as a summary of pruned segments


class _Line(msgspec.Struct):
    crc32: int
    summary: msgspec.Raw


class _Head(msgspec.Struct):
    schema: int
    fold: int
    stream: str
    files: tuple[SegmentFile, ...]
    entry: msgspec.Raw


class _Single(msgspec.Struct):
    segment: int
    entry: msgspec.Raw


_T = TypeVar("_T")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # of a text that is no JSON


class Group:
    """What the first line of such a file says.

    Attributes:
        stream: The stream.
        files: The segments, oldest first.
        line: The line.
    """

    def __init__(self, line: bytes, head: _Head) -> None:
        self.line = line
        self.stream = head.stream
        self.files = head.files
        self._entry = bytes(head.entry)

    def entry(self) -> Entry | None:
        """What all of its segments add up to by themselves.

        None where that cannot be said, as some of their events stand in two of them.
        """
        return _entry(self.stream, self._entry)


class StoredGroup:
    """A group, and the file that it stands in.

    Args:
        path: The file.
        group: What its first line says.
        fs: Where it is.
    """

    def __init__(self, path: Path, group: Group, fs: FileSystem) -> None:
        self.path = path
        self.group = group
        self._fs = fs
        self._lines: dict[int, bytes] | None = None

    def fits(self, segments: Sequence[Segment]) -> bool:
        """Whether these are its segments, and their files as they were."""
        files = self.group.files
        return len(files) == len(segments) and all(
            file.fits(segment, self._fs) for file, segment in zip(files, segments, strict=True)
        )

    def line(self, segment: int) -> bytes:
        """The line of one of its segments; empty if it cannot be read, or is damaged."""
        if self._lines is None:
            self._lines = {}
            with suppress(OSError, EventsError), self._fs.open_read(self.path) as file:
                self._lines = _read_lines(file, self.group)
        line = self._lines.get(segment, b"")
        return line if _checked(line) is not None else b""

    def single(self, file: SegmentFile) -> SegmentSummary | None:
        """What it says of one of its segments; None if that cannot be believed."""
        return _read_single(self.line(file.segment), self.group.stream, file)


def read_group(file: BinaryIO, stream: str) -> Group | None:
    """Read a file's first line; None if it is not what this version has written of the stream."""
    line = file.readline(_MAX_LINE)
    head = _read(line, _Head)
    if head is None or (head.schema, head.fold, head.stream) != (SCHEMA, FOLD_VERSION, stream):
        return None
    firsts = [each.segment for each in head.files]
    return Group(line, head) if firsts and firsts == sorted(set(firsts)) else None


def _read_lines(file: BinaryIO, group: Group) -> dict[int, bytes]:
    """Read a file's other lines, by the segments; none if it is not the group's file any more."""
    if file.readline(_MAX_LINE) != group.line:
        return {}
    lines = {}
    for each in group.files:
        lines[each.segment] = file.readline(_MAX_LINE)
    return lines


def _read(line: bytes, kind: type[_T]) -> _T | None:
    """What a line holds; None if it is damaged, or of another kind."""
    content = _checked(line)
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=kind)
    except _UNREADABLE:
        return None


def _read_single(line: bytes, stream: str, file: SegmentFile) -> SegmentSummary | None:
    """What one of the other lines says of the segment; None if it cannot be believed."""
    single = _read(line, _Single)
    if single is None or single.segment != file.segment:
        return None
    entry = _entry(stream, bytes(single.entry))
    return None if entry is None else SegmentSummary(file, entry)


def _entry(stream: str, data: bytes) -> Entry | None:
    try:
        return entry_from_dict(stream, orjson.loads(data))
    except (orjson.JSONDecodeError, SnapshotError):
        return None


def single_line(summary: SegmentSummary) -> bytes:
    """The line of one segment."""
    entry = orjson.Fragment(summary.entry.to_bytes())
    return _line({"segment": summary.file.segment, "entry": entry})


def head_line(stream: str, files: Iterable[SegmentFile], entry: Entry | None) -> bytes:
    """The first line of a file.

    Args:
        stream: The stream.
        files: The segments, oldest first.
        entry: What they add up to.
    """
    return _line(
        {
            "schema": SCHEMA,
            "fold": FOLD_VERSION,
            "stream": stream,
            "files": [msgspec.structs.asdict(each) for each in files],
            "entry": None if entry is None else orjson.Fragment(entry.to_bytes()),
        }
    )


def together(stream: str, entries: Iterable[Entry]) -> Entry | None:
    """What segments that follow one another add up to; None if some of their events stand twice."""
    fold = Fold()
    return fold.entry(stream) if all(fold.follow(stream, each) for each in entries) else None


def _line(content: object) -> bytes:
    data = orjson.dumps(content)
    return b'{"crc32":%d,"summary":%b}\n' % (zlib.crc32(data), data)


def _checked(line: bytes) -> bytes | None:
    """The content of a line; None if that is not what was written."""
    try:
        found = msgspec.json.decode(line, type=_Line)
    except _UNREADABLE:
        return None
    content = bytes(found.summary)
    return content if line.endswith(b"\n") and zlib.crc32(content) == found.crc32 else None
