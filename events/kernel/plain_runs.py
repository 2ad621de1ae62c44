"""Events that were decoded, in runs: those of one stream whose seqs follow one another.

As the compiled kernel's ``runs.h``, but for many events at once.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET

from events.examination import is_representable
from events.kernel.columns import Columns, add_up, columns_of
from events.model import JOB_FAILED, OUTCOMES, STREAM_OPENED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.kernel.tallies import Run

_MOST_RUNS = 64
_MANY = 16
"""Columns are worth it where so many events follow one another, on average."""


class _Chunk(NamedTuple):
    """Events that follow one another: the stream, if any, the first seq, and what they say."""

    stream: str | None
    first: int
    end: int
    columns: Columns


class _Run:
    """A run that may go on."""

    def __init__(self, stream: str | None, first: int) -> None:
        self.stream = stream
        self.first = self.end = first
        self.columns: list[Columns] = []


class Runs:
    """Adds up events in runs.

    Args:
        bounds: Durations are counted at their places among these.
        folder: The stream in whose folder the events stand; None for events from anywhere.
    """

    def __init__(self, bounds: Sequence[int], folder: str | None) -> None:
        self._bounds = bounds
        self._folder = folder
        self._runs: list[_Run] = []
        self._newest: dict[str | None, _Run] = {}

    @property
    def are_many(self) -> bool:
        """Whether it is time to take the sums."""
        return len(self._runs) >= _MOST_RUNS

    def sums(self) -> list[Run]:
        """What was added since this was last asked, in the order in which runs begin."""
        sums = [
            add_up(run.stream, run.first, run.end, run.columns, self._bounds) for run in self._runs
        ]
        self._runs, self._newest = [], {}
        return sums

    def is_odd(self, event: Any) -> bool:
        """Whether an event has to be looked at more closely."""
        is_loose = event.stream is UNSET
        if is_loose is not (event.seq is UNSET) or event.event == STREAM_OPENED:
            return True
        if self._folder is not None and not is_loose and event.stream != self._folder:
            return True
        return event.event in OUTCOMES and (
            event.timestamp is UNSET
            or not is_representable(event.timestamp)
            or not is_representable(event.retry_at)
            or (event.event == JOB_FAILED and not event.error_type)
            or (self._folder is not None and is_loose)
        )

    def add(self, events: Sequence[Any]) -> bool:
        """Add events, all or none.

        Returns:
            Whether they were added: not if one of them is odd, or if so few follow one another that
            to look at each is as quick.
        """
        streams = [event.stream for event in events]
        own: dict[Any, Sequence[Any]] = {streams[0]: events}
        if streams.count(streams[0]) < len(streams):
            apart: dict[Any, list[Any]] = defaultdict(list)
            for stream, event in zip(streams, events, strict=True):
                apart[stream].append(event)
            if (len(apart) - 1) * _MANY > len(events):
                return False
            own = {**apart}
        chunks: list[_Chunk] = []
        for stream, some in own.items():
            found = self._loose(some) if stream is UNSET else self._cut(stream, some)
            if found is None:
                return False
            chunks += found
        for chunk in chunks:
            run = self._run_of(chunk)
            run.columns.append(chunk.columns)
            run.end += chunk.end - chunk.first
        return True

    def _loose(self, events: Sequence[Any]) -> list[_Chunk] | None:
        """What events without a stream say; None if one is odd."""
        outcomes = [event for event in events if event.event in OUTCOMES]
        if any(event.seq is not UNSET for event in events):
            return None
        if not outcomes:
            return []
        columns = columns_of(outcomes)
        if columns is None or self._folder is not None:
            return None
        return [_Chunk(None, 0, 0, columns)]

    def _cut(self, stream: str, events: Sequence[Any]) -> list[_Chunk] | None:
        """Cut a stream's events where a seq does not follow; None if one is odd."""
        seqs = [event.seq for event in events]
        first, count = seqs[0], len(seqs)
        if first is UNSET or (self._folder is not None and stream != self._folder):
            return None
        cuts = [0, count]
        if seqs != list(range(first, first + count)):
            if UNSET in seqs:
                return None
            jumps = [i for i, (a, b) in enumerate(pairwise(seqs), 1) if b != a + 1]
            if len(jumps) * _MANY > count:
                return None
            cuts = [0, *jumps, count]
        chunks = []
        for begin, end in pairwise(cuts):
            columns = columns_of(events[begin:end])
            if columns is None:
                return None
            chunks.append(_Chunk(stream, seqs[begin], seqs[end - 1] + 1, columns))
        return chunks

    def _run_of(self, chunk: _Chunk) -> _Run:
        """The run that events go on with: only the newest one of their stream.

        So lines that say different things under one seq stay in their order.
        """
        run = self._newest.get(chunk.stream)
        if run is None or run.end != chunk.first:
            run = self._newest[chunk.stream] = _Run(chunk.stream, chunk.first)
            self._runs.append(run)
        return run
