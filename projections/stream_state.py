"""The fold of one stream, while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from events.log.position import Position
from events.model import OUTCOMES, STREAM_OPENED
from projections.entry import MAX_EPOCHS, Entry
from projections.seqs import SeqSet, overlap, size, union
from projections.tallying import tally_with_newest
from worker.stats import SyncStats

if TYPE_CHECKING:
    from events.model import Line
    from worker.tally import OutcomeTally


class StreamState:
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

    def take_span(self, first: int, end: int) -> bool:
        """Take valid events, no openings among them, of which all or none were seen before.

        Returns:
            Whether they are new.
        """
        if not self.seen.covered(first, end):
            self.seen.add_span(first, end)
            return True
        self.duplicates += end - first
        for seq in sorted(self.epochs):
            if first <= seq < end:
                self._note_fork(seq)
        return False

    def number(self, lines: int) -> None:
        """Take up so many seqs for lines that have none, after all others."""
        if lines:
            end = self.seen.end
            self.seen.add_span(end, end + lines)

    def _note_fork(self, seq: int) -> None:
        """Note two openings under one number, or an opening and another event."""
        if self.fork is None and seq >= min(self.epochs, default=0):  # older ones are forgotten
            self.fork = seq

    def add_up(self) -> None:
        """Move the new outcomes into the stats."""
        if self.outcomes:
            self.add_tally(*tally_with_newest(self.outcomes))
            self.outcomes = []

    def add_tally(self, tally: OutcomeTally, newest_us: int | None) -> None:
        """Add outcomes that were added up, of which the newest ended then; None: none tells."""
        self.stats.add(tally)
        moments = [us for us in (self.as_of_us, newest_us) if us is not None]
        self.as_of_us = max(moments, default=None)

    def open(self, epoch: str, seq: int) -> None:
        """Note an opening of the stream; only the last ones are kept, whatever their order."""
        self.epochs[seq] = epoch
        if len(self.epochs) > 2 * MAX_EPOCHS:
            self.epochs = {n: self.epochs[n] for n in sorted(self.epochs)[-MAX_EPOCHS:]}

    def absorb(self, entry: Entry) -> bool:
        """Add what other lines add up to; say whether that could be done."""
        again = overlap(self.seen, entry.seen)
        if again == 0:  # also where nothing is numbered: lines without stream and seq
            self.stats = self.stats.merge(entry.stats)
            self.seen = SeqSet(union(self.seen, entry.seen))
            moments = [us for us in (self.as_of_us, entry.as_of_us) if us is not None]
            self.as_of_us = max(moments, default=None)
        elif again == size(entry.seen):
            self.duplicates += again
        else:
            return False
        for epoch, seq in entry.epochs:
            self.open(epoch, seq)
        self.spoilt = SeqSet(union(self.spoilt, entry.spoilt))
        self.invalid_lines += entry.invalid_lines
        self.duplicates += entry.duplicates
        self.segment = self.offset = None
        return True

    def follow(self, entry: Entry) -> bool:
        """Add what the next lines of the log add up to, as if they were folded now.

        Returns:
            Whether that could be done: not if some of their events were seen before.
        """
        if any(self.seen.covered(first, end) for first, end in entry.seen):
            return False
        end = self.segment, self.offset
        self.absorb(entry)
        place = entry.position
        self.segment, self.offset = end if place.segment is None else (place.segment, place.offset)
        return True

    def entry(self) -> Entry:
        """What has been folded, as a value."""
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
