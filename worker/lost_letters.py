"""Dead letters that `dlq.db` lost, found again in the log.

A dead letter is known by the outcome that ended its job. So what is missing is exact: the outcomes
in the log that made a dead letter and of which no letter, there or deleted, tells.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import UNSET

from events.log.recovery import read_outcomes
from events.log.stream import list_streams, stream_folder
from events.model import JOB_FAILED
from worker.companions import next_letter
from worker.letters import letter_from_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.model import Line
    from sync_queue.dead_letters import DeadLetter
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.queue import JobQueue

_AT_ONCE = 500


def lost_letters(
    data: Path, letters: DeadLetterQueue | None, queue: JobQueue | None, fs: FileSystem
) -> Iterator[list[DeadLetter]]:
    """The dead letters that the log tells of and `dlq.db` does not know, some at a time.

    Right beside living workers too: an outcome whose job is leased still is about to get its
    letter, from its worker or from a take-over.

    Args:
        data: The data folder.
        letters: Its dead letters; None where it has none.
        queue: Its queue; None where it has none.
        fs: The file system the data folder is in.

    Raises:
        EventsError: A compressed segment is damaged.
        OSError: The log cannot be read.
        QueueError: A database cannot be used.
    """
    for stream in list_streams(data, fs):
        found: set[int] = set()
        outcomes = _dead_outcomes(stream, data, fs)
        while dead := dict(islice(outcomes, _AT_ONCE)):
            unknown = set(dead) if letters is None else letters.unknown(stream, list(dead))
            # After the log was read: a lease that has ended since left its letter before.
            leases = [] if queue is None else queue.leases(stream)
            leased: dict[object, int] = {(job.id, job.attempt): job.lease_seq for job in leases}
            lost = [
                seq
                for seq in sorted(unknown - found)
                if seq < leased.get((dead[seq].job_id, dead[seq].attempt), seq + 1)
            ]
            if lost:
                found.update(lost)
                yield [letter_from_log(dead[seq], stream, seq) for seq in lost]


def _dead_outcomes(stream: str, data: Path, fs: FileSystem) -> Iterator[tuple[int, Line]]:
    for line in read_outcomes(stream_folder(data, stream), 0, fs):
        if line.event == JOB_FAILED and line.to_dlq and line.seq is not UNSET:
            yield line.seq, line


def put_back(
    data: Path, letters: DeadLetterQueue, queue: JobQueue | None, fs: FileSystem
) -> Iterator[list[DeadLetter]]:
    """Store the lost letters, without their jobs; each list is told when it is stored.

    To be iterated to the end: only then the queue is told that nothing is missing. Arguments and
    errors as of `lost_letters`; what was stored before an error stays.
    """
    known = {} if queue is None else queue.companions.streams()
    for lost in lost_letters(data, letters, queue, fs):
        letters.insert(lost)
        yield lost
    if queue is not None:
        queue.companions.letters_are_whole(
            letters.dlq_id, {each: next_letter(letters, each.stream) for each in known.values()}
        )
