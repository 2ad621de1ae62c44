"""What a snapshot holds of one stream: how far it was folded, and what it adds up to."""

from __future__ import annotations

import math
from datetime import datetime  # noqa: TC003  # msgspec resolves the annotations at run time
from itertools import pairwise
from typing import Any

import msgspec
import orjson

from events.clock import format_timestamp, to_us
from events.log.position import Position
from projections.errors import SnapshotError
from projections.seqs import SeqSet, Span, holes, union
from worker.errors import StatsError
from worker.stats import MAX_COUNT, SyncStats
from worker.units import add

MAX_EPOCHS = 64
FOLD_VERSION = 1
"""Raised when the same log would give other stats; snapshots of other versions are remade."""
LOOSE = ""
"""The name under which lines without stream and seq are summed."""


class Entry(msgspec.Struct, frozen=True, eq=False):
    """One stream of a snapshot: a value, never changed once made.

    Attributes:
        position: How far the stream has been folded.
        epochs: The last 64 openings of the stream: (epoch, its first seq), ascending.
        seen: The seqs of the valid lines that were read, as half-open spans.
        spoilt: The seqs that invalid lines have, likewise; empty in a sound log.
        as_of_us: The newest outcome's timestamp in microseconds since 1970; None without outcomes,
            or where none of them (they are another program's) has one.
        invalid_lines: Lines that could not be believed.
        duplicates: Lines whose seq had been seen before.
        stats: What the outcomes add up to.
    """

    position: Position
    epochs: tuple[tuple[str, int], ...]
    seen: tuple[Span, ...]
    spoilt: tuple[Span, ...]
    as_of_us: int | None
    invalid_lines: int
    duplicates: int
    stats: SyncStats

    @property
    def gaps(self) -> tuple[Span, ...]:
        """The seqs that are missing below the highest one, as half-open spans."""
        return holes(union(self.seen, self.spoilt) if self.spoilt else self.seen)

    def to_dict(self) -> dict[str, Any]:
        """The entry as it stands in ``stats.json``."""
        position = self.position
        data: dict[str, Any] = {
            "position": {
                "epoch": position.epoch,
                "seq": position.seq,
                "segment": position.segment,
                "offset": position.offset,
            },
            "epochs": [list(epoch) for epoch in self.epochs],
            "seen": [list(span) for span in self.seen],
            "as_of": None if self.as_of_us is None else format_timestamp(self.as_of_us),
            "invalid_lines": self.invalid_lines,
            "duplicates": self.duplicates,
            "gaps": len(self.gaps),
            "stats": self.stats.to_dict(),
        }
        if self.spoilt:
            data["spoilt"] = [list(span) for span in self.spoilt]
        return data

    def to_bytes(self) -> bytes:
        """The entry as JSON: the same bytes for the same content, so entries can be ordered."""
        return orjson.dumps(self.to_dict())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entry):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    def __ne__(self, other: object) -> bool:
        # Said too: msgspec's structs do not derive it, and would compare identities.
        return not self == other

    __hash__ = None  # type: ignore[assignment]  # holds mutable stats


class _PositionFile(msgspec.Struct, forbid_unknown_fields=True):
    epoch: str
    seq: int
    segment: int | None
    offset: int | None


class _EntryFile(msgspec.Struct):
    """The layout of an entry in a file, for strict reading."""

    position: _PositionFile
    epochs: list[tuple[str, int]]
    seen: list[tuple[int, int]]
    as_of: datetime | None
    invalid_lines: int
    duplicates: int
    gaps: int
    stats: dict[str, Any]
    spoilt: list[tuple[int, int]] = []


def entry_from_dict(stream: str, data: Any) -> Entry:
    """Read what ``Entry.to_dict`` wrote.

    Raises:
        SnapshotError: Anything in it is missing, of a wrong type, or contradicts the rest.
    """
    try:
        raw = msgspec.convert(data, _EntryFile)
        entry = Entry(
            position=Position(
                raw.position.epoch, raw.position.seq, raw.position.segment, raw.position.offset
            ),
            epochs=tuple(raw.epochs),
            seen=SeqSet(raw.seen).spans(),
            spoilt=SeqSet(raw.spoilt).spans(),
            as_of_us=None if raw.as_of is None else to_us(raw.as_of),
            invalid_lines=raw.invalid_lines,
            duplicates=raw.duplicates,
            stats=SyncStats.from_dict(raw.stats),
        )
    except (msgspec.ValidationError, StatsError, ValueError, TypeError, OverflowError) as error:
        raise SnapshotError(f"the entry of stream {stream!r} is damaged: {error}") from error
    flaw = _contradiction(stream, entry)
    if flaw is None and raw.gaps != len(entry.gaps):
        flaw = f"has {len(entry.gaps)} gaps, not {raw.gaps}"
    if flaw is not None:
        raise SnapshotError(f"the entry of stream {stream!r} contradicts itself: it {flaw}")
    return entry


def _contradiction(stream: str, entry: Entry) -> str | None:
    """What no fold makes of any lines, if there is something of that."""
    position, epochs, stats = entry.position, entry.epochs, entry.stats
    seen, spoilt = SeqSet(entry.seen), SeqSet(entry.spoilt)
    firsts = [first for _, first in epochs]
    place = (position.segment, position.offset)
    has_outcomes = stats.jobs_processed + stats.jobs_skipped > 0
    flaws = {
        "counts fewer lines than none": min(entry.invalid_lines, entry.duplicates) < 0,
        "has a seq that it has not seen": position.seq != max(seen.end, spoilt.end),
        "has half a place in the log": (place[0] is None) is not (place[1] is None),
        "has a place before the log": min(place[0] or 0, place[1] or 0) < 0,
        f"lists more than {MAX_EPOCHS} epochs": len(epochs) > MAX_EPOCHS,
        "lists its epochs out of order": any(a >= b for a, b in pairwise(firsts)),
        "lists an opening that it has not seen": any(first not in seen for first in firsts),
        "is not in its last epoch": position.epoch != (epochs[-1][0] if epochs else ""),
        # Outcomes of another program may all be without a time.
        "has a newest outcome, and none": entry.as_of_us is not None and not has_outcomes,
        "has a newest outcome or a start, not both": (entry.as_of_us is None)
        is not (stats.session_start == math.inf),
        "has more outcomes than lines": stream != LOOSE
        and stats.jobs_processed + stats.jobs_skipped > sum(end - first for first, end in seen),
        "numbers lines without a stream": stream == LOOSE and position.seq > 0,
        **_sums_that_disagree(stats),
    }
    return next((flaw for flaw, is_there in flaws.items() if is_there), None)


def _sums_that_disagree(stats: SyncStats) -> dict[str, bool]:
    """What a fold counts in two ways, each of which stops at the same highest number."""
    processed, succeeded, failed = stats.jobs_processed, stats.jobs_succeeded, stats.jobs_failed
    sure = add(stats.high_confidence_matches, stats.low_confidence_matches)
    named = min(sum(stats.errors_by_type.values()), MAX_COUNT)
    timed = min(stats.latency.count, MAX_COUNT)
    return {
        "has attempts that neither succeeded nor failed": processed != add(succeeded, failed),
        "has other successes than confidences": succeeded != sure,
        "has other failures than errors": failed != named,
        "has other failures than dead and retried ones": failed
        != add(stats.jobs_to_dlq, stats.jobs_retried),
        "has other attempts than durations": processed != timed,
        "has another time than its durations": stats.total_processing_time_ns
        != stats.latency.sum_ns,
        "has more waiting times than attempts": stats.waiting.count > processed,
        "has more recovered jobs than successes": stats.jobs_recovered > succeeded,
        "has more warnings than attempts": stats.jobs_with_warnings
        > add(processed, stats.jobs_skipped),
    }
