"""Whether a position lies on the log: the check before anything is believed of a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.codec import decode
from events.errors import EventsError, InvalidLineError
from events.log.reader import BlockReader, Overlong
from events.log.segment import list_segments, open_segment
from events.model import MAX_LINE_BYTES, STREAM_OPENED

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry


def lies_on_log(entry: Entry, folder: Path, fs: FileSystem) -> bool:
    """Whether ``entry`` is a fold of a beginning of the log in ``folder``.

    Its offset must be the end of the line with its last seq, and its last epoch must be opened
    where it says. A log that was cut, restored from a backup or replaced fails this.
    """
    position = entry.position
    if position.segment is None or position.offset is None:
        return False
    segments = {s.first_seq: s for s in list_segments(folder, fs)} if fs.exists(folder) else {}
    segment = segments.get(position.segment)
    if segment is None:
        return False
    try:
        seq = _last_seq_before(segment, position.offset, fs)
        if seq != position.seq - 1:
            return False
        return not entry.epochs or _opened(segments, *entry.epochs[-1], fs)
    except (OSError, EventsError):
        return False


def _last_seq_before(segment: Segment, offset: int, fs: FileSystem) -> int | None:
    """The seq of the line that ends at ``offset``; None when there is no such line."""
    window = min(offset, MAX_LINE_BYTES + 1)
    with open_segment(segment, fs) as file:
        if file.seekable():
            file.seek(offset - window)
        else:
            left = offset - window
            while left > 0 and (piece := file.read(min(left, 1 << 20))):
                left -= len(piece)
        data = b""
        while len(data) < window and (piece := file.read(window - len(data))):
            data += piece
    if len(data) < window or not data.endswith(b"\n"):
        return None
    for line in reversed(data.split(b"\n")):  # empty lines are nothing
        if line and not line.isspace():
            return _seq_of(line)
    return None


def _seq_of(line: bytes) -> int | None:
    try:
        seq = decode(line).seq
    except InvalidLineError as error:
        return error.seq
    return seq if isinstance(seq, int) else None


def _opened(segments: dict[int, Segment], epoch: str, first_seq: int, fs: FileSystem) -> bool:
    """Whether the line ``first_seq`` of the log opens ``epoch``."""
    below = [seq for seq in segments if seq <= first_seq]
    if not below:
        return False
    needle = epoch.encode()
    with open_segment(segments[max(below)], fs) as file:
        for block in BlockReader(file):
            if isinstance(block, Overlong) or needle not in block.data:
                continue
            for line in block.data.split(b"\n"):
                if needle in line and _opens(line, epoch, first_seq):
                    return True
    return False


def _opens(line: bytes, epoch: str, seq: int) -> bool:
    try:
        event = decode(line)
    except InvalidLineError:
        return False
    return event.event == STREAM_OPENED and event.epoch == epoch and event.seq == seq
