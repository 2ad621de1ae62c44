"""How often each job ended, by the log alone: the proof that none was lost and none doubled."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import UNSET

from events.log.recovery import read_outcomes
from events.log.stream import list_streams, stream_folder
from events.model import JOB_FAILED

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem


@dataclass(frozen=True)
class Ends:
    """What the log says of jobs' ends.

    Attributes:
        outcomes: Recorded attempts.
        ended: Jobs with one end: they succeeded, were skipped, or are dead.
        ended_twice: Jobs with more than one.
        recorded_twice: (job, attempt) pairs with more than one outcome.
    """

    outcomes: int
    ended: int
    ended_twice: int
    recorded_twice: int


def count_ends(data: Path, fs: FileSystem) -> Ends:
    """Read all outcomes of a data folder that one ``queue.db`` has served all along."""
    attempts: Counter[tuple[int, int]] = Counter()
    ends: Counter[int] = Counter()
    for stream in list_streams(data, fs):
        for line in read_outcomes(stream_folder(data, stream), 0, fs):
            if line.job_id is UNSET:
                continue
            attempts[line.job_id, line.attempt] += 1
            if line.event != JOB_FAILED or line.to_dlq:
                ends[line.job_id] += 1
    return Ends(
        outcomes=attempts.total(),
        ended=sum(times == 1 for times in ends.values()),
        ended_twice=sum(times > 1 for times in ends.values()),
        recorded_twice=sum(times > 1 for times in attempts.values()),
    )
