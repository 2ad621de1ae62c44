"""Joining snapshots: for each stream, keep the entry that is further along.

A join-semilattice (a state-based CRDT): associative, commutative and idempotent, so the same
snapshot twice, or a machine's old and new snapshots, cannot count anything twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from projections.entry import LOOSE, MAX_EPOCHS
from projections.errors import ForkError
from projections.snapshot import Snapshot

if TYPE_CHECKING:
    from projections.entry import Entry


def join(a: Snapshot, b: Snapshot) -> Snapshot:
    """Join two snapshots.

    Raises:
        ForkError: A stream has two histories, or lines without stream and seq were summed.
    """
    if LOOSE in a.streams or LOOSE in b.streams:
        raise ForkError(
            "a snapshot holds lines without stream and seq, which may stand in both and cannot "
            "be told apart, so nothing was merged; replay the logs together instead"
        )
    streams = dict(a.streams)
    for name, entry in b.streams.items():
        mine = streams.get(name)
        streams[name] = entry if mine is None else further(name, mine, entry)
    return Snapshot(streams)


def order(entry: Entry) -> tuple[int, int, int, bytes]:
    """The one total order of a stream's entries: seq, segment, byte offset, the entry's own bytes.

    An offset counts from the start of its segment, so offsets alone tell nothing where the
    segments differ: after lines that took up no seq, a later place has the smaller offset.
    No place at all comes first.
    """
    position = entry.position
    segment = -1 if position.segment is None else position.segment
    offset = -1 if position.offset is None else position.offset
    return position.seq, segment, offset, entry.to_bytes()


def is_older_than_known(shorter: Entry, longer: Entry) -> bool:
    """Whether ``shorter`` ends before all epochs that ``longer`` still lists.

    Then it cannot be told whether they are one history; it is joined, and that should be said.
    """
    epochs = longer.epochs
    return (
        len(epochs) == MAX_EPOCHS
        and shorter.position.epoch not in {epoch for epoch, _ in epochs}
        and shorter.position.seq <= epochs[0][1]
    )


def further(stream: str, a: Entry, b: Entry) -> Entry:
    """The entry that is further along.

    Raises:
        ForkError: The shorter one is no beginning of the longer one.
    """
    shorter, longer = sorted((a, b), key=order)
    if is_older_than_known(shorter, longer) or _continues(shorter, longer):
        return longer
    raise ForkError(
        f"stream {stream!r} has two histories: one ends in epoch "
        f"{shorter.position.epoch or '(none)'} at seq {shorter.position.seq}, the other, in epoch "
        f"{longer.position.epoch or '(none)'} at seq {longer.position.seq}, does not continue it. "
        "A backup was restored and written on; keep one of the two snapshots, or rebuild it "
        "from the log that you trust"
    )


def _continues(shorter: Entry, longer: Entry) -> bool:
    known = [epoch for epoch, _ in longer.epochs]
    if not shorter.epochs:
        return not known or shorter.position.seq <= longer.epochs[0][1]
    if shorter.position.epoch not in known:
        return False
    after = known.index(shorter.position.epoch) + 1
    return after == len(known) or shorter.position.seq <= longer.epochs[after][1]
