"""How far a stream's log goes, and what of it a queue does not know. Read, never changed.

A start looks at every stream, of which there may be hundreds; so it reads the end of each one's
last segment, and more only of a stream that holds outcomes which the queue has not heard of.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from events.codec import decode
from events.errors import EventsError, InvalidLineError
from events.limits import MAX_LINE_BYTES
from events.log.numbers import MOST_NEXT_SEQ
from events.log.pruned import pruned_end
from events.log.reader import Block, BlockReader
from events.log.segment import list_segments, open_segment
from events.model import JOB_FAILED, OUTCOMES, STREAM_OPENED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from events.model import Line
    from sync_queue.companions import KnownStream
    from sync_queue.jobs import LeasedJob

_PIECE_BYTES = 1 << 14
_OPENED = STREAM_OPENED.encode()
_OUTCOME = b"job."


class LogEnd(NamedTuple):
    """The end of a stream's log, as far as can be seen from its last lines.

    Attributes:
        next_seq: The number that its next line would have.
        is_beyond: Whether an outcome stands at or beyond the number that was asked about.
    """

    next_seq: int
    is_beyond: bool


def read_end(folder: Path, since: int, fs: FileSystem) -> LogEnd:
    """Look at the last lines of a log, back to the first that is older than ``since``.

    Raises:
        EventsError: A compressed segment is damaged.
        OSError: It cannot be read.
    """
    segments = list_segments(folder, fs)
    next_seq = segments[-1].first_seq if segments else 0
    for segment in reversed(segments):
        for text in _backwards(segment, fs):
            seq, line = _numbered(text, folder.name)
            if seq < 0:
                continue
            next_seq = max(next_seq, seq + 1)
            if seq < since:
                return LogEnd(next_seq, is_beyond=False)
            if line is not None and line.event in OUTCOMES and seq < MOST_NEXT_SEQ:
                return LogEnd(next_seq, is_beyond=True)
        if segment.first_seq <= since:  # whatever stands before is older
            break
    return LogEnd(next_seq, is_beyond=False)


def pruned_beyond(folder: Path, since: int, fs: FileSystem) -> int:
    """The end of what was pruned of a log, if lines from ``since`` on are among that; else 0.

    Raises:
        OSError: It cannot be read.
    """
    segments = list_segments(folder, fs)
    if segments and segments[0].first_seq <= since:
        return 0  # also where a prune was interrupted: nothing from there on is gone yet
    try:
        end = pruned_end(folder, fs)
    except EventsError:
        return 0  # whoever counts tells of the damage
    return end if end > since else 0


class Unknown(NamedTuple):
    """Outcomes in a log that its queue does not know, though it leased their jobs.

    Attributes:
        outcomes: How many there are.
        next_dead: One more than the last of them that made a dead letter; 0 if none did.
        last_job_id: The highest id among their jobs; 0 if they name none. Those of pruned outcomes
            may be higher: a queue that goes on under a new id may give them again.
        pruned: Whether there were others, which were pruned since. What they were is not known:
            neither how many, nor their jobs, nor whether they made dead letters.
    """

    outcomes: int = 0
    next_dead: int = 0
    last_job_id: int = 0
    pruned: bool = False


def unknown_outcomes(
    folder: Path, known: KnownStream, leases: Iterable[LeasedJob], queue_id: str, fs: FileSystem
) -> Unknown:
    """Count the outcomes that were recorded for a queue and that it does not know.

    Which queue an outcome was recorded for, the opening of its epoch says. An outcome of a job that
    is leased still is known: a take-over applies it.

    Some were pruned if what was pruned goes beyond all that the queue acknowledged, and leased:
    whoever leases has acknowledged what stands before. That holds for a stream of which the queue
    has applied outcomes, that has leased jobs of it, or that holds an opening for it. Whose the
    pruned outcomes of any other one were is not known, so nothing is said of them.

    Args:
        folder: The stream's folder.
        known: What the queue knows of it.
        leases: What the stream still holds.
        queue_id: The queue's id.
        fs: Where it is.

    Raises:
        EventsError: A compressed segment is damaged.
        OSError: It cannot be read.
    """
    since = max(known.next_seq, known.looked_seq)
    segments = list_segments(folder, fs)
    begin = max((i for i, each in enumerate(segments) if each.first_seq <= since), default=0)
    leased = {(job.id, job.attempt): job.lease_seq for job in leases}
    is_ours: bool | None = None
    leased_seq = max(leased.values(), default=0)
    was_pruned = pruned_beyond(folder, max(since, leased_seq), fs) > 0
    was_ours = known.next_seq > 0 or bool(leased)
    count = next_dead = last_job_id = 0
    highest = since - 1
    for segment in segments[begin:]:
        for line in _telling(segment, folder.name, fs):
            if line.event == STREAM_OPENED:
                is_ours = line.queue_id == queue_id
                was_ours |= is_ours
                continue
            if line.seq is UNSET or line.seq <= highest or line.event not in OUTCOMES:
                continue  # written again after an error, or known
            if line.seq >= MOST_NEXT_SEQ:
                continue  # no worker has numbered it
            highest = line.seq
            if is_ours is None:
                is_ours = _was_opened_for(queue_id, segments[:begin], known, fs)
            if not is_ours:
                continue
            job_id = 0 if line.job_id is UNSET else line.job_id
            if line.seq >= leased.get((job_id, line.attempt), line.seq + 1):
                continue
            count += 1
            last_job_id = max(last_job_id, job_id)
            if line.event == JOB_FAILED and line.to_dlq:
                next_dead = line.seq + 1
    return Unknown(count, next_dead, last_job_id, was_pruned and was_ours)


def _was_opened_for(
    queue_id: str, before: list[Segment], known: KnownStream, fs: FileSystem
) -> bool:
    """Whether the last opening in earlier segments was for this queue.

    Where they were pruned, a stream is this queue's if it has applied outcomes of it.
    """
    for segment in reversed(before):
        openings = [
            line
            for line in _telling(segment, known.stream, fs, _OPENED)
            if line.event == STREAM_OPENED
        ]
        if openings:
            return openings[-1].queue_id == queue_id
    return known.next_seq > 0


def _telling(segment: Segment, stream: str, fs: FileSystem, *needles: bytes) -> Iterator[Line]:
    """The stream's openings and outcomes in a segment; or those lines that hold a needle."""
    wanted = needles or (_OPENED, _OUTCOME)
    with open_segment(segment, fs) as file:
        for item in BlockReader(file):
            if not isinstance(item, Block) or not any(needle in item.data for needle in wanted):
                continue
            for text in item.data.split(b"\n"):
                if any(needle in text for needle in wanted):
                    _, line = _numbered(text, stream)
                    if line is not None:
                        yield line


def _numbered(text: bytes, stream: str) -> tuple[int, Line | None]:
    """A line's number in its stream and its event; -1 and None where it has none."""
    try:
        line = decode(text)
    except InvalidLineError as error:
        seq = error.seq if error.stream == stream else None
        return (-1 if seq is None else seq), None
    if line.seq is UNSET or line.stream != stream:
        return -1, None
    return line.seq, line


def _backwards(segment: Segment, fs: FileSystem) -> Iterator[bytes]:
    r"""The whole lines of a segment without their ``\n``, the last one first.

    Those over the limit are left out; of a compressed one only the last blocks are given.
    """
    with open_segment(segment, fs) as file:
        if segment.compression:
            blocks = (item.data for item in BlockReader(file) if isinstance(item, Block))
            for data in reversed(deque(blocks, maxlen=2)):
                yield from reversed(data[:-1].split(b"\n"))
            return
        end = file.seek(0, os.SEEK_END)
        rest: bytes | None = None  # what stands before the first line end that was seen so far
        while end:
            begin = max(end - _PIECE_BYTES, 0)
            file.seek(begin)
            first, *lines = file.read(end - begin).split(b"\n")
            end = begin
            if lines:
                if rest is not None:  # else an unfinished last line is passed over
                    yield lines.pop() + rest
                else:
                    lines.pop()
                yield from reversed(lines)
                rest = first
            elif rest is not None:
                rest = first + rest
            if rest is not None and len(rest) >= MAX_LINE_BYTES:
                rest = None  # as long as that it is no line: passed over like an unfinished one
        if rest is not None:
            yield rest
