"""Whether a position lies on the log: the check before anything is believed of a snapshot."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, cast

from msgspec import UNSET

from events.clock import to_us
from events.codec import decode
from events.errors import EventsError, InvalidLineError
from events.limits import MAX_LINE_BYTES
from events.log.reader import Block, BlockReader
from events.log.segment import open_segment
from events.model import OUTCOMES, STREAM_OPENED
from projections.reading import Bounded
from projections.seqs import SeqSet, overlap, size, union
from projections.summary import list_kept, read_summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.reader import Overlong
    from events.log.segment import Segment
    from events.model import Line
    from projections.entry import Entry
    from projections.summary import Summary

_TAIL_BYTES = 1 << 16
_OPENED = STREAM_OPENED.encode()


def lies_on_log(entry: Entry, folder: Path, fs: FileSystem) -> bool:
    """Whether ``entry`` is a fold of a beginning of the log in ``folder``.

    Its offset must be the end of a line, with its last seq at or before it, and its last epoch
    must be opened where it says. In the lines just before it nothing may stand that the entry
    does not know: no other seq, no other opening, no outcome newer than its newest. So a log that
    was cut, or restored from a backup and written on, or replaced, fails this. What was pruned is
    known by its summary, and the entry must go on from there.

    Raises:
        SummaryError: The summary cannot be believed.
        OSError: The log cannot be read.
    """
    segment, offset = entry.position.segment, entry.position.offset
    if segment is None or offset is None:
        return False
    while True:
        try:
            there = summary, _ = list_kept(folder, fs)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return _lies_on(entry, (segment, offset), folder, there, fs)
        except FileNotFoundError:  # a segment is gone: if by a prune, its summary tells more
            now = read_summary(folder, fs)
            if now is None or (summary is not None and now.end <= summary.end):
                raise


def _lies_on(
    entry: Entry,
    place: tuple[int, int],
    folder: Path,
    there: tuple[Summary | None, list[Segment]],
    fs: FileSystem,
) -> bool:
    """The same, of what the folder was listed to hold."""
    (first, offset), (summary, segments) = place, there
    pruned = None if summary is None else summary.entry
    if pruned is not None and not goes_on_from(pruned, entry):
        return False
    covered = [s for s in segments if s.first_seq <= first]
    if not covered or covered[-1].first_seq != first:
        return False
    last = entry.position.seq - 1
    try:
        tail = _tail(covered[-1], offset, fs)
        return (
            tail is not None
            and is_known(tail, entry, folder.name)
            and (
                last < 0
                or any(seq == last for seq, _ in _numbered(tail, folder.name))
                or (pruned is not None and last in SeqSet(union(pruned.seen, pruned.spoilt)))
                or _stands_before(last, covered, offset, folder, fs)
            )
            and (
                not entry.epochs
                or (pruned is not None and entry.epochs[-1] in pruned.epochs)
                or _is_opened(*entry.epochs[-1], covered, folder, fs)
            )
        )
    except EventsError:  # a compressed segment is damaged
        return False


def goes_on_from(pruned: Entry, entry: Entry) -> bool:
    """Whether ``entry`` may be a fold that began with what was pruned."""
    since = entry.epochs[0][1] if entry.epochs else 0
    return (
        overlap(entry.seen, pruned.seen) == size(pruned.seen)
        and overlap(entry.spoilt, pruned.spoilt) == size(pruned.spoilt)
        and entry.invalid_lines >= pruned.invalid_lines
        and entry.duplicates >= pruned.duplicates
        and entry.stats.jobs_processed >= pruned.stats.jobs_processed
        and all(epoch in entry.epochs for epoch in pruned.epochs if epoch[1] >= since)
    )


def _tail(segment: Segment, offset: int, fs: FileSystem) -> bytes | None:
    """Some whole lines that end at ``offset``, none after one too long; None if no line does."""
    begin = max(offset - MAX_LINE_BYTES - 1, 0)  # the longest line fits in, with the end before it
    with open_segment(segment, fs) as file:
        if file.seekable():
            if file.seek(0, os.SEEK_END) < offset:  # no file reaches as far as a wrong place may
                return None
            file.seek(begin)
        else:
            left = begin
            while left and (piece := file.read(min(left, 1 << 20))):
                left -= len(piece)
        data = file.read(offset - begin)
    if len(data) < offset - begin or not (data.endswith(b"\n") or offset == 0):
        return None
    start = data.rfind(b"\n", 0, max(len(data) - _TAIL_BYTES, 0)) + 1
    if start == 0 and begin > 0:
        start = data.find(b"\n") + 1
    return data[start:]


def is_known(lines: bytes, entry: Entry, stream: str) -> bool:
    """Whether ``entry`` may have been made from these lines, among others."""
    seen, spoilt = SeqSet(entry.seen), SeqSet(entry.spoilt)
    since = entry.epochs[0][1] if entry.epochs else 0
    for seq, event in _numbered(lines, stream):
        if event is None:
            if seq not in spoilt:
                return False
        elif seq not in seen:
            return False
        elif event.event in OUTCOMES:
            if entry.as_of_us is None or _us(event) > entry.as_of_us:
                return False
        elif (
            event.event == STREAM_OPENED
            and event.epoch
            and seq >= since
            and (event.epoch, seq) not in entry.epochs
        ):
            return False
    return True


def _us(outcome: Line) -> int:
    if outcome.timestamp is UNSET:
        raise AssertionError  # decode makes no such outcome
    return to_us(outcome.timestamp)


def _numbered(lines: bytes, stream: str) -> Iterator[tuple[int, Line | None]]:
    """The seqs of the stream's lines, each with its event if that is valid."""
    for line in lines.split(b"\n"):
        if not line:
            continue
        try:
            event = decode(line)
        except InvalidLineError as error:
            if error.seq is not None and error.stream == stream:
                yield error.seq, None
            continue
        if event.seq is not UNSET and event.stream == stream:
            yield event.seq, event


def _stands_before(
    seq: int, covered: list[Segment], offset: int, folder: Path, fs: FileSystem
) -> bool:
    """Whether a line has this seq: the slow way, for logs that end in lines of no new seq."""
    needle = b"%d" % seq
    for segment in reversed(covered):
        with open_segment(segment, fs) as file:
            whole = segment is not covered[-1]
            for block in BlockReader(file if whole else cast("BinaryIO", Bounded(file, offset))):
                for line in _with(needle, block):
                    if any(found == seq for found, _ in _numbered(line, folder.name)):
                        return True
    return False


def _is_opened(
    epoch: str, first_seq: int, covered: list[Segment], folder: Path, fs: FileSystem
) -> bool:
    """Whether the log opens ``epoch`` at ``first_seq``."""
    segment = next((s for s in reversed(covered) if s.first_seq <= first_seq), covered[0])
    with open_segment(segment, fs) as file:
        for block in BlockReader(file):
            for line in _with(_OPENED, block):
                for seq, event in _numbered(line, folder.name):
                    if seq == first_seq and event is not None and event.epoch == epoch:
                        return True
    return False


def _with(needle: bytes, block: Block | Overlong) -> list[bytes]:
    """The lines of a block that hold these bytes."""
    if not isinstance(block, Block) or needle not in block.data:
        return []
    return [line for line in block.data.split(b"\n") if needle in line]
