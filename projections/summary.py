"""What a stream's pruned segments added up to: ``summary.json`` in the stream's folder.

It is the fold of all lines below its end. Whoever counts begins from it and passes over segments
below that end, which a prune that was interrupted has left. So nothing is lost or counted twice,
wherever a prune ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import orjson

from events.errors import EventsError
from events.limits import MAX_INTEGER
from events.log.pruned import SUMMARY_MAX_BYTES
from events.log.segment import list_segments
from events.log.stream import SUMMARY_NAME
from projections.entry import FOLD_VERSION, Entry, entry_from_dict
from projections.errors import SnapshotError, SummaryError
from projections.seqs import size

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment

SCHEMA = 1
"""The version of the file's layout."""
_FILE_MODE = 0o600
_MEND = "bring it back from a backup: the numbers in it stand nowhere else"


@dataclass(frozen=True)
class Summary:
    """The beginning of a stream, folded.

    Attributes:
        stream: The stream's name.
        end: First ``seq`` of the first segment that is not in it: those below are.
        lines: How many lines it was folded from, over all prunes.
        entry: What they add up to; its position is the end of the last of them.
    """

    stream: str
    end: int
    lines: int
    entry: Entry

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        data = {
            "schema": SCHEMA,
            "fold": FOLD_VERSION,
            "stream": self.stream,
            "end": self.end,
            "lines": self.lines,
            "entry": self.entry.to_dict(),
        }
        return orjson.dumps(data) + b"\n"


def read_summary(folder: Path, fs: FileSystem) -> Summary | None:
    """The summary of the stream in ``folder``; None if nothing of it was pruned.

    Raises:
        SummaryError: It cannot be believed.
        OSError: It cannot be read; that says nothing of what it holds.
    """
    path = folder / SUMMARY_NAME
    try:
        with fs.open_read(path) as file:
            data = file.read(SUMMARY_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except EventsError as error:
        raise SummaryError(f"{path} is no summary of a stream: {error}; {_MEND}") from error
    if len(data) > SUMMARY_MAX_BYTES:
        raise SummaryError(
            f"{path} is no summary of a stream: it is larger than {SUMMARY_MAX_BYTES >> 20} MiB; "
            f"{_MEND}"
        )
    return parse_summary(data, str(path), folder.name)


def parse_summary(data: bytes, where: str, stream: str) -> Summary:
    """Read what ``Summary.to_bytes`` wrote.

    Args:
        data: The file's bytes.
        where: The file's name, for messages.
        stream: The stream whose summary it has to be.

    Raises:
        SummaryError: It is damaged, foreign, or of another version.
    """
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise SummaryError(f"{where} is damaged (no JSON: {error}); {_MEND}") from error
    if not isinstance(raw, dict):
        raise SummaryError(f"{where} is damaged (no JSON object); {_MEND}")
    for key, mine in (("schema", SCHEMA), ("fold", FOLD_VERSION)):
        version = raw.get(key)
        if type(version) is not int or version != mine:
            raise SummaryError(
                f"{where} has {key} version {version!r}, this program reads {mine}: what it sums "
                "up is pruned, so it cannot be made anew; use the version that wrote it"
            )
    try:
        entry = entry_from_dict(stream, raw.get("entry"))
    except SnapshotError as error:
        raise SummaryError(f"{where}: {error}; {_MEND}") from error
    flaw = _flaw(raw, stream, entry)
    if flaw is not None:
        raise SummaryError(f"{where} contradicts itself: {flaw}; {_MEND}")
    return Summary(stream, raw["end"], raw["lines"], entry)


def _flaw(raw: dict[str, Any], stream: str, entry: Entry) -> str | None:
    """What no prune has written, if there is something of that."""
    end, lines, segment = raw.get("end"), raw.get("lines"), entry.position.segment
    if raw.get("stream") != stream:
        return f"it is of stream {raw.get('stream')!r}, in the folder of {stream!r}"
    if not (_is_count(end) and _is_count(lines)):
        return "'end' and 'lines' have to be counts"
    if segment is None or segment >= end:
        return f"it ends at seq {end}, its position is in segment {segment}"
    numbered = size(entry.seen) + size(entry.spoilt)  # no line has two numbers
    if numbered > lines:
        return f"it holds {numbered} numbered lines, of {lines} in all"
    return None


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def write_summary(folder: Path, summary: Summary, fs: FileSystem) -> None:
    """Put ``summary`` in the place of the one before, durably, all or nothing.

    Raises:
        SummaryError: It is too large to be read again; the one before stands.
        OSError: The one before stands (or, if only the folder's sync failed, the new one).
    """
    data = summary.to_bytes()
    if len(data) > SUMMARY_MAX_BYTES:
        raise SummaryError(
            f"{folder} is not pruned: its summary would be larger than {SUMMARY_MAX_BYTES >> 20} "
            "MiB, for the many holes between its numbers"
        )
    fs.replace_file(folder / SUMMARY_NAME, data, mode=_FILE_MODE)


def list_kept(folder: Path, fs: FileSystem) -> tuple[Summary | None, list[Segment]]:
    """What there is to read of a stream: its summary, and the segments that come after.

    Raises:
        SummaryError: The summary cannot be believed.
        OSError: The folder, or the summary, cannot be read.
    """
    segments = list_segments(folder, fs)
    summary = read_summary(folder, fs)  # after the listing: so what that lacks is in this
    return summary, kept(summary, segments)


def kept(summary: Summary | None, segments: list[Segment]) -> list[Segment]:
    """Those of some segments that are not in the summary."""
    return [each for each in segments if summary is None or each.first_seq >= summary.end]
