from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from events.log.position import Position
from projections.entry import MAX_EPOCHS, Entry
from projections.errors import ForkError
from projections.fold import Fold
from projections.join import further, is_older_than_known, join
from projections.runner import Runner
from projections.snapshot import Snapshot
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import opened, succeeded

if TYPE_CHECKING:
    from pathlib import Path


def snapshot(*lines: bytes) -> Snapshot:
    folded = Fold()
    folded.lines(b"".join(lines))
    return Snapshot(folded.entries())


def rebuilt(data: Path) -> Snapshot:
    runner = Runner(data)
    runner.rebuild()
    return runner.snapshot


def entry(snapshot: Snapshot, stream: str = "a") -> Entry:
    return snapshot.streams[stream]


HISTORY = [opened(0, "e0"), succeeded(1), succeeded(2), opened(3, "e1"), succeeded(4)]


def test_of_each_stream_the_entry_that_is_further_along_is_kept() -> None:
    old, new = snapshot(*HISTORY[:2]), snapshot(*HISTORY)

    assert join(old, new) == new
    assert join(new, old) == new
    assert join(new, new) == new


def test_streams_of_different_machines_add_up() -> None:
    joined = join(snapshot(*HISTORY), snapshot(opened(0, "x", "b"), succeeded(1, "b")))

    assert joined.total().jobs_processed == 4
    assert set(joined.streams) == {"a", "b"}


def test_joining_with_nothing_changes_nothing() -> None:
    some = snapshot(*HISTORY)

    assert join(some, Snapshot.empty()) == some
    assert join(Snapshot.empty(), some) == some


def test_a_restored_backup_that_was_written_on_is_a_fork() -> None:
    """Both went on after seq 2, each in an epoch of its own."""
    one = snapshot(*HISTORY)
    other = snapshot(*HISTORY[:3], opened(3, "other"), succeeded(4), succeeded(5))

    for a, b in ((one, other), (other, one)):
        with pytest.raises(ForkError, match="two histories") as caught:
            join(a, b)
        assert "'a'" in str(caught.value)
        assert "e1" in str(caught.value)
        assert "other" in str(caught.value)
        assert "rebuild" in str(caught.value)


def test_an_epoch_that_went_on_after_the_next_had_begun_is_a_fork() -> None:
    """The shorter has e0 up to seq 3, but the longer began e1 at seq 3."""
    shorter = snapshot(*HISTORY[:3], succeeded(3))
    longer = snapshot(*HISTORY)

    with pytest.raises(ForkError):
        join(shorter, longer)


def test_an_entry_older_than_all_known_epochs_is_joined() -> None:
    lines = [opened(n, f"e{n}") for n in range(MAX_EPOCHS + 5)]
    old, new = snapshot(*lines[:2]), snapshot(*lines)

    assert is_older_than_known(entry(old), entry(new))
    assert join(old, new) == new


def test_a_beginning_without_epochs_joins_only_before_the_first() -> None:
    begun, more = entry(snapshot(succeeded(0))), entry(snapshot(succeeded(0), succeeded(1)))
    assert further("a", begun, more) == more
    none = entry(snapshot(succeeded(5)))
    with pytest.raises(ForkError, match=r"\(none\)"):
        further("a", none, entry(snapshot(*HISTORY, succeeded(5), succeeded(6))))


def test_at_equal_seq_the_place_decides_and_then_the_bytes() -> None:
    def at(offset: int | None, invalid: int = 0, segment: int = 0) -> Entry:
        base = entry(snapshot(*HISTORY))
        return Entry(
            position=Position("e1", 5, None if offset is None else segment, offset),
            epochs=base.epochs,
            seen=base.seen,
            spoilt=(),
            as_of_us=base.as_of_us,
            invalid_lines=invalid,
            duplicates=0,
            stats=base.stats,
        )

    assert further("a", at(None), at(0)) == at(0)
    assert further("a", at(7), at(9)) == further("a", at(9), at(7)) == at(9)
    assert further("a", at(7, 1), at(7, 2)) == further("a", at(7, 2), at(7, 1))
    later = at(3, 1, segment=5)
    assert further("a", at(7), later) == further("a", later, at(7)) == later


def test_an_invalid_line_at_the_begin_of_a_new_segment_is_not_forgotten(tmp_path: Path) -> None:
    append(segment(tmp_path), *HISTORY)
    old = rebuilt(tmp_path)
    append(segment(tmp_path, first=5), b"rubbish\n")
    new = rebuilt(tmp_path)

    assert new.invalid_lines == 1
    assert join(old, new) == join(new, old) == new


def test_lines_without_stream_cannot_be_joined() -> None:
    loose = snapshot(succeeded(None, None))

    with pytest.raises(ForkError, match="without stream and seq"):
        join(loose, Snapshot.empty())
    with pytest.raises(ForkError, match="without stream and seq"):
        join(Snapshot.empty(), loose)
