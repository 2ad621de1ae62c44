"""Events to statistics: a pure fold, the same for live, replayed and split logs.

What a set of lines adds up to does not depend on their order or on how they were cut into
blocks: each line counts once by its stream and seq, a line that is seen again is a duplicate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import UNSET

from events.codec import decode
from events.errors import InvalidLineError
from events.log.position import Position
from events.model import OUTCOMES, STREAM_OPENED
from projections.entry import LOOSE, MAX_EPOCHS, Entry
from projections.seqs import SeqSet, overlap, size, union
from projections.tallying import moments_us, tally_outcomes
from worker.stats import SyncStats

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def is_empty(line: bytes) -> bool:
    """Whether a line is nothing: what JSON takes for white space (RFC 8259, section 2), if that."""
    return not line.strip(b" \t\r")


class _StreamState:
    """The fold of one stream, while it runs."""

    def __init__(self, entry: Entry | None = None) -> None:
        self.outcomes: list[Line] = []  # new, and not in the stats yet
        self.epochs: dict[int, str] = {}
        self.seen = SeqSet()
        self.spoilt = SeqSet()
        self.as_of_us: int | None = None
        self.invalid_lines = 0
        self.duplicates = 0
        self.fork: int | None = None  # where two histories were seen to part
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

    def take(self, event: Line) -> None:
        """Take a valid event; the outcomes among them wait to be added up together."""
        seq = event.seq
        if seq is not UNSET and not self.seen.add(seq):
            self.duplicates += 1
            epoch = event.epoch or None if event.event == STREAM_OPENED else None
            if epoch != self.epochs.get(seq):
                self._note_fork(seq)
        elif event.event in OUTCOMES:
            self.outcomes.append(event)
        elif event.event == STREAM_OPENED and event.epoch and seq is not UNSET:
            self.open(event.epoch, seq)

    def _note_fork(self, seq: int) -> None:
        """Note two openings under one number, or an opening and another event."""
        if self.fork is None and seq >= min(self.epochs, default=0):  # older ones are forgotten
            self.fork = seq

    def add_up(self) -> None:
        """Move the new outcomes into the stats."""
        if not self.outcomes:
            return
        tally = tally_outcomes(self.outcomes)
        tally.earliest_us, newest_us = moments_us(self.outcomes)
        self.stats.add(tally)
        self.as_of_us = newest_us if self.as_of_us is None else max(self.as_of_us, newest_us)
        self.outcomes = []

    def open(self, epoch: str, seq: int) -> None:
        """Note an opening of the stream; only the last ones are kept, whatever their order."""
        self.epochs[seq] = epoch
        if len(self.epochs) > 2 * MAX_EPOCHS:
            self.epochs = {n: self.epochs[n] for n in sorted(self.epochs)[-MAX_EPOCHS:]}

    def absorb(self, entry: Entry) -> bool:
        """Add what other lines add up to; say whether that could be done."""
        again = overlap(self.seen, entry.seen)
        if again == size(entry.seen):
            self.duplicates += again
        elif again == 0:
            self.stats = self.stats.merge(entry.stats)
            self.seen = SeqSet(union(self.seen, entry.seen))
            moments = [us for us in (self.as_of_us, entry.as_of_us) if us is not None]
            self.as_of_us = max(moments, default=None)
        else:
            return False
        for epoch, seq in entry.epochs:
            self.open(epoch, seq)
        self.spoilt = SeqSet(union(self.spoilt, entry.spoilt))
        self.invalid_lines += entry.invalid_lines
        self.duplicates += entry.duplicates
        self.segment = self.offset = None
        return True

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

    def forks(self) -> dict[str, int]:
        """The streams of which two histories were folded, each with a number that shows it."""
        return {name: state.fork for name, state in self._states.items() if state.fork is not None}

    def forget(self, stream: str) -> None:
        """Drop what was folded of ``stream``, to fold it again from its start."""
        self._states.pop(stream, None)

    def begin(self, stream: str, entry: Entry) -> None:
        """Go on from ``entry`` with ``stream``, whatever was folded of it before."""
        self._states[stream] = _StreamState(entry)

    def absorb(self, stream: str, entry: Entry) -> bool:
        """Add what some lines of ``stream`` add up to, as if they were folded.

        Returns:
            Whether that could be done: not if some of its events were seen before, and others not.
        """
        state = self._states.get(stream)
        if state is None:
            self.begin(stream, entry)
            return True
        return state.absorb(entry)

    def place(self, stream: str, segment: int, offset: int) -> None:
        """Say that the last line read of ``stream`` ends at ``offset`` of ``segment``."""
        state = self._state(stream)
        state.segment, state.offset = segment, offset

    def displace(self, stream: str) -> None:
        """Say that the lines of ``stream`` stand in no one place."""
        state = self._states.get(stream)
        if state is not None:
            state.segment = state.offset = None

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
        touched: dict[str, _StreamState] = {}
        for line in data.split(b"\n"):
            at = offset
            offset += len(line) + 1
            if not line:
                continue
            try:
                event = decode(line)
                name = folder if event.stream == folder else _home(event, folder)
            except InvalidLineError as error:
                if not is_empty(line):
                    self._invalid(error, folder)
                    report(at, error.reason)
                continue
            if name is not None:
                state = touched.get(name)
                if state is None:
                    state = touched[name] = self._state(name)
                state.take(event)
        for state in touched.values():
            state.add_up()

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
