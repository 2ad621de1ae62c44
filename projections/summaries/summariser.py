"""Summing up segments when they are sealed, while a worker runs, and again once compressed.

A summary is made of the whole file, apart from the fold that keeps ``stats.json``: that one has
read the segment piece by piece while it grew. Its bytes are mostly in memory still.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.log.sealing import HOUSEKEEPING_LOCK, sealed_segments
from events.log.stream import stream_folder
from projections.problems import nothing
from projections.summaries.segment import summarise
from projections.summaries.store import SummaryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.snapshot import Snapshot


class Summariser:
    """Sums up segments that are sealed from now on, one at a step.

    Those that were sealed before are left to a rebuild: there may be any number. It takes
    `HOUSEKEEPING_LOCK` only if it is free, and tells of an error once. It never raises: neither
    jobs nor stats depend on it.

    Args:
        data: The data folder.
        fs: Where it is.
        compressed: Whether segments are compressed first: the compressed file is another one.
        failed: Told of an error.
    """

    def __init__(
        self,
        data: Path,
        *,
        fs: FileSystem,
        compressed: bool = False,
        failed: Callable[[Exception], None] = nothing,
    ) -> None:
        self._data = data
        self._fs = fs
        self._compressed = compressed
        self._failed = failed
        self._store = SummaryStore(data, fs)
        self._next: dict[str, int] | None = None  # below which segments of a stream are done
        self._told = False

    def step(self, saved: Snapshot) -> None:
        """Sum up one segment, if there is one to sum up.

        Args:
            saved: What stats.json holds: segments before its positions are read to their ends, and
                on the disk.
        """
        covered = {
            stream: entry.position.segment
            for stream, entry in saved.streams.items()
            if entry.position.segment is not None
        }
        if self._next is None:
            self._next = dict(covered)
        for stream, below in covered.items():
            if self._next.get(stream) == below:
                continue
            try:
                if self._sum_up_one(stream, below, self._next):
                    return
            except Exception as error:  # noqa: BLE001  # whatever it is, all else goes on
                self._next[stream] = below
                if not self._told:
                    self._told = True
                    self._failed(error)
                return

    def _sum_up_one(self, stream: str, below: int, done: dict[str, int]) -> bool:
        """Sum up a stream's first segment that is not; False if there is none to be now."""
        begin = done.get(stream, 0)
        sealed = sealed_segments(stream_folder(self._data, stream), self._fs)
        left = [segment for segment in sealed if begin <= segment.first_seq < below]
        if not left:
            done[stream] = below
            return False
        if self._compressed and not left[0].compression:
            return False
        lock = self._fs.try_lock(self._data / HOUSEKEEPING_LOCK)
        if lock is not None:
            with lock:
                if self._store.of(stream).single(left[0]) is None:
                    self._sum_up(stream, left[0])
            done[stream] = left[0].first_seq + 1
        return True

    def _sum_up(self, stream: str, segment: Segment) -> None:
        summary = summarise(segment, stream, self._fs)
        if summary is not None:
            self._store.save(stream, [summary])


def sum_up_again(data: Path, stream: str, compressed: Collection[int], fs: FileSystem) -> None:
    """Bring a stream's summaries up to date after a prune; the caller holds `HOUSEKEEPING_LOCK`.

    Those of removed segments go.

    Args:
        data: The data folder.
        stream: The stream.
        compressed: The segments (their first seqs) that are other files now.
        fs: Where it is.

    Raises:
        EventsError: As of `SummaryStore.save`.
        OSError: As the system says.
    """
    made = []
    for segment in sealed_segments(stream_folder(data, stream), fs):
        if segment.first_seq in compressed:
            with suppress(OSError, EventsError):  # damaged: who counts tells of it
                made.append(summarise(segment, stream, fs))
    SummaryStore(data, fs).save(stream, [summary for summary in made if summary is not None])
