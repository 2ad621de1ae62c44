"""Compressing sealed segments while a worker runs, beside keeping ``stats.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.log.sealing import (
    HOUSEKEEPING_LOCK,
    SealingStoppedError,
    compress_segment,
    sealed_segments,
)
from events.log.stream import stream_folder
from projections.problems import nothing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.snapshot import Snapshot

PAUSE_STEPS = 60
"""After an error in a stream: it may cost a whole segment's writing to find out that it lasts."""


class Compressor:
    """Compresses the sealed segments that were folded, one at a step.

    It takes `HOUSEKEEPING_LOCK` only if it is free, and tells of an error once until it succeeds
    again. It never raises: neither jobs nor stats depend on it.

    Args:
        data: The data folder.
        fs: Where it is.
        failed: Told of an error.
    """

    def __init__(
        self, data: Path, *, fs: FileSystem, failed: Callable[[Exception], None] = nothing
    ) -> None:
        self._data = data
        self._fs = fs
        self._failed = failed
        self._done: dict[str, int] = {}  # below which segment all of a stream are compressed
        self._told = False
        self._pauses: dict[str, int] = {}  # steps for which a stream is passed over

    def step(self, saved: Snapshot, stopped: Callable[[], bool] = lambda: False) -> None:
        """Compress one segment, if there is one to compress.

        Args:
            saved: What stats.json holds: segments before its positions are read to their ends.
            stopped: Asked now and then whether to break off.
        """
        self._pauses = {name: left - 1 for name, left in self._pauses.items() if left > 1}
        for stream, entry in saved.streams.items():
            below = entry.position.segment
            if below is None or self._done.get(stream) == below or stream in self._pauses:
                continue
            try:
                if self._compress_one(stream, below, stopped):
                    return
            except SealingStoppedError:
                return
            except Exception as error:  # noqa: BLE001  # whatever it is, all else goes on
                self._pauses[stream] = PAUSE_STEPS
                if not self._told:
                    self._told = True
                    self._failed(error)
                return

    def _compress_one(self, stream: str, below: int, stopped: Callable[[], bool]) -> bool:
        """Compress a stream's first segment that is not; False if there is none."""
        if self._next(stream, below) is None:
            self._done[stream] = below
            return False
        lock = self._fs.try_lock(self._data / HOUSEKEEPING_LOCK)
        if lock is not None:
            with lock:
                segment = self._next(stream, below)  # another may have compressed it just now
                if segment is not None:
                    compress_segment(segment, self._fs, stopped=stopped)
                    self._told = False
        return True

    def _next(self, stream: str, below: int) -> Segment | None:
        folder = stream_folder(self._data, stream)
        if not self._fs.is_folder(folder):  # a link: what is elsewhere is left as it is
            return None
        for segment in sealed_segments(folder, self._fs):
            if segment.first_seq < below and not segment.compression:
                return segment
        return None
