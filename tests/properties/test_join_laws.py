"""Joining snapshots is a join-semilattice; what is no common history is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.log.position import Position
from projections.entry import Entry
from projections.errors import ForkError
from projections.join import join
from projections.snapshot import Snapshot
from tests.support.laws import assert_join_semilattice
from worker.stats import SyncStats

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

EPOCHS = (("e0", 0), ("e1", 4), ("e2", 8))


@st.composite
def entries(draw: DrawFn, histories: int = 1) -> Entry:
    """Entries along one history. Their stats and counts are free, so that two at one position may
    differ: those are incoherent, and the order still has to be total."""
    seq = draw(st.integers(1, 12))
    which = st.sampled_from(["", "'"][:histories])  # another opening at the same place
    epochs = tuple((epoch + draw(which), first) for epoch, first in EPOCHS if first < seq)
    return Entry(
        position=Position(epochs[-1][0], seq, 0, draw(st.none() | st.integers(0, 3))),
        epochs=epochs,
        seen=((0, seq),),
        spoilt=(),
        as_of_us=draw(st.none() | st.integers(0, 10**15)),
        invalid_lines=draw(st.integers(0, 2)),
        duplicates=draw(st.integers(0, 2)),
        stats=draw(small_stats()),
    )


def small_stats() -> st.SearchStrategy[SyncStats]:
    """Few and quick to make: that stats of any content add up is shown elsewhere."""
    return st.builds(
        lambda n, error: SyncStats(n, 0, n, session_start=float(n), errors_by_type={error: n}),
        st.integers(0, 3),
        st.sampled_from(["A", "\u20ac"]),
    )


def snapshots() -> st.SearchStrategy[Snapshot]:
    return st.dictionaries(st.sampled_from("ab"), entries(), max_size=2).map(Snapshot)


def test_join_is_associative_commutative_and_idempotent() -> None:
    assert_join_semilattice(snapshots(), join, view=Snapshot.to_bytes)


def test_where_no_two_are_refused_the_laws_hold_among_several_histories() -> None:
    several = st.builds(lambda entry: Snapshot({"a": entry}), entries(histories=2))
    assert_join_semilattice(several, join, view=Snapshot.to_bytes, refusal=ForkError)


@given(snapshots())
def test_nothing_is_the_identity(snapshot: Snapshot) -> None:
    assert join(snapshot, Snapshot.empty()) == snapshot


@given(entries(), st.integers(1, 4))
def test_forks_are_refused_either_way_round(entry: Entry, more: int) -> None:
    """The other copy of the log was written on by another process, in an epoch of its own."""
    cut = entry.position.seq - 1
    epochs = (*[e for e in entry.epochs if e[1] < cut], ("other", cut))
    other = Entry(
        position=Position("other", cut + more, 0, 9),
        epochs=epochs,
        seen=((0, cut + more),),
        spoilt=(),
        as_of_us=None,
        invalid_lines=0,
        duplicates=0,
        stats=entry.stats,
    )
    for a, b in ((entry, other), (other, entry)):
        with pytest.raises(ForkError):
            join(Snapshot({"a": a}), Snapshot({"a": b}))
