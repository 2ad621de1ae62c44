"""Events to statistics: a pure fold, the same for live, replayed and split logs.

What a set of lines adds up to does not depend on their order or on how they were cut into
blocks: each line counts once by its stream and seq, a line that is seen again is a duplicate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET

from events.clock import to_us
from events.codec import decode
from events.errors import InvalidLineError
from events.log.position import Position
from events.model import HIGH, JOB_SKIPPED, JOB_SUCCEEDED, OUTCOMES, STREAM_OPENED, elapsed_ns
from projections.entry import LOOSE, MAX_EPOCHS, Entry
from projections.seqs import SeqSet
from worker.stats import SyncStats
from worker.tally import OutcomeTally

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from events.model import Line

FOLD_VERSION = 1
"""Raised when the same log would give other stats; snapshots of other versions are remade."""


class Report(Protocol):
    """Called for each invalid line."""

    def __call__(self, offset: int, reason: str) -> None:
        """Take the line's place (bytes from the start of its file) and what is wrong with it."""
        ...


def ignore(offset: int, reason: str) -> None:  # the shape of a Report
    """Report nothing: the count alone is wanted."""


class _StreamState:
    """The fold of one stream, while it runs."""

    __slots__ = (
        "_earliest",
        "_latest",
        "as_of_us",
        "duplicates",
        "epochs",
        "invalid_lines",
        "offset",
        "seen",
        "segment",
        "spoilt",
        "stats",
        "tally",
    )

    def __init__(self, entry: Entry | None = None) -> None:
        self.tally = OutcomeTally()
        self._earliest: datetime | None = None
        self._latest: datetime | None = None
        self.epochs: dict[int, str] = {}
        self.seen = SeqSet()
        self.spoilt = SeqSet()
        self.as_of_us: int | None = None
        self.invalid_lines = 0
        self.duplicates = 0
        self.stats = SyncStats.zero()
        self.segment: int | None = None
        self.offset: int | None = None
        if entry is not None:
            self.epochs = {seq: epoch for epoch, seq in entry.epochs}
            self.seen = SeqSet(entry.seen)
            self.spoilt = SeqSet(entry.spoilt)
            self.as_of_us = entry.as_of_us
            self.invalid_lines = entry.invalid_lines
            self.duplicates = entry.duplicates
            self.stats = entry.stats.copy()
            self.segment = entry.position.segment
            self.offset = entry.position.offset

    def count(self, line: Line) -> None:
        """Count one outcome that has not been seen before."""
        moment = line.timestamp
        if moment is UNSET:
            raise AssertionError  # decode makes no such outcome
        if self._latest is None or moment > self._latest:
            self._latest = moment
        if self._earliest is None or moment < self._earliest:
            self._earliest = moment
        _add(self.tally, line)

    def flush(self) -> None:
        """Move what was tallied into the stats."""
        if self._earliest is None or self._latest is None:
            return
        self.tally.earliest_us = to_us(self._earliest)
        latest_us = to_us(self._latest)
        self.as_of_us = latest_us if self.as_of_us is None else max(self.as_of_us, latest_us)
        self.stats.add(self.tally)
        self.tally = OutcomeTally()
        self._earliest = self._latest = None

    def entry(self) -> Entry:
        epochs = tuple((self.epochs[seq], seq) for seq in sorted(self.epochs)[-MAX_EPOCHS:])
        return Entry(
            position=Position(
                epochs[-1][0] if epochs else "",
                max(self.seen.end, self.spoilt.end),
                self.segment,
                self.offset,
            ),
            epochs=epochs,
            seen=self.seen.spans(),
            spoilt=self.spoilt.spans(),
            as_of_us=self.as_of_us,
            invalid_lines=self.invalid_lines,
            duplicates=self.duplicates,
            stats=self.stats.copy(),
        )


def _add(tally: OutcomeTally, line: Line) -> None:
    """Add one outcome to a tally."""
    if line.warnings:
        tally.with_warnings += 1
    if line.event == JOB_SKIPPED:
        tally.skipped += 1
        return
    took_ns = elapsed_ns(line)
    tally.time_ns += took_ns
    tally.latency_ns.append(took_ns)
    if line.wait_ns is not UNSET:
        tally.waiting_ns.append(line.wait_ns)
    if line.event == JOB_SUCCEEDED:
        tally.succeeded += 1
        tally.recovered += line.attempt > 1
        if line.confidence == HIGH:
            tally.high += 1
        else:
            tally.low += 1
    else:
        tally.failed += 1
        if line.to_dlq:
            tally.to_dlq += 1
        else:
            tally.retried += 1
        tally.errors[line.error_type] = tally.errors.get(line.error_type, 0) + 1


class Fold:
    """Folds blocks of lines, of one stream's folder or of many streams mixed."""

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        self._states = {name: _StreamState(entry) for name, entry in (entries or {}).items()}

    def entries(self) -> dict[str, Entry]:
        """What has been folded so far, as values."""
        return {name: state.entry() for name, state in self._states.items()}

    def entry(self, stream: str) -> Entry:
        """What has been folded of ``stream``."""
        return self._state(stream).entry()

    def _state(self, stream: str) -> _StreamState:
        state = self._states.get(stream)
        if state is None:
            state = self._states[stream] = _StreamState()
        return state

    def position(self, stream: str) -> tuple[int | None, int | None]:
        """The segment (its first seq) and byte offset at which the last line read ends."""
        state = self._states.get(stream)
        return (state.segment, state.offset) if state is not None else (None, None)

    def forget(self, stream: str) -> None:
        """Drop what was folded of ``stream``, to fold it again from its start."""
        self._states.pop(stream, None)

    def place(self, stream: str, segment: int, offset: int) -> None:
        """Say that the last line read of ``stream`` ends at ``offset`` of ``segment``."""
        state = self._state(stream)
        state.segment, state.offset = segment, offset

    def lines(
        self, data: bytes, offset: int = 0, *, folder: str | None = None, report: Report = ignore
    ) -> None:
        r"""Fold whole lines.

        Args:
            data: Lines, each ended by ``\n``.
            offset: Where ``data`` starts in its file, in bytes; for the report only.
            folder: The stream whose folder the lines stand in; None for lines from anywhere.
            report: Told of each invalid line.
        """
        touched: set[str] = set()
        for line in data.split(b"\n"):
            at = offset
            offset += len(line) + 1
            if not line or line.isspace():
                continue
            try:
                event = decode(line)
                name = _home(event, folder)
            except InvalidLineError as error:
                self._invalid(error, folder)
                report(at, error.reason)
                continue
            if name is None:
                continue
            state = self._state(name)
            if event.seq is not UNSET and not state.seen.add(event.seq):
                state.duplicates += 1
            elif event.event in OUTCOMES:
                touched.add(name)
                state.count(event)
            elif event.event == STREAM_OPENED and event.epoch and event.seq is not UNSET:
                state.epochs[event.seq] = event.epoch
        for name in touched:
            self._states[name].flush()

    def overlong(
        self, offset: int, length: int, *, folder: str | None = None, report: Report = ignore
    ) -> None:
        """Count a line that was too long to be read (``length`` bytes)."""
        self._invalid(InvalidLineError("too long"), folder)
        report(offset, f"the line is {length} bytes long, more than the limit of 1 MiB")

    def _invalid(self, error: InvalidLineError, folder: str | None) -> None:
        numbered = error.stream is not None and error.seq is not None
        name = folder if folder is not None else (error.stream if numbered else None)
        state = self._state(name or LOOSE)
        state.invalid_lines += 1
        if numbered and error.seq is not None and (folder is None or error.stream == folder):
            state.spoilt.add(error.seq)


def _home(line: Line, folder: str | None) -> str | None:
    """The stream that a line belongs to; None where it is carried, and not counted.

    Raises:
        InvalidLineError: It does not belong in the stream's folder in which it stands.
    """
    if line.stream is UNSET:
        if line.event not in OUTCOMES:
            return None
        if folder is not None:
            raise InvalidLineError(f"an outcome without stream and seq in the folder of {folder!r}")
        return LOOSE
    if folder is not None and line.stream != folder:
        raise InvalidLineError(f"the line is of stream {line.stream!r}, the folder of {folder!r}")
    return line.stream
