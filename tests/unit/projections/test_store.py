from __future__ import annotations

import os

import pytest

from events.filesystem import RealFileSystem
from projections.errors import ProjectionError, SnapshotError
from projections.snapshot import Snapshot
from projections.store import SnapshotStore
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.held_clock import HeldClock

EMPTY = Snapshot.empty().to_bytes()


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(tmp_path, fs=RealFileSystem(), clock=HeldClock())


def test_what_was_put_there_is_read(store):
    assert store.read() is None
    assert store.load() is None
    with store.lock():
        store.replace(EMPTY)

    assert store.read() == EMPTY
    assert store.load() == Snapshot.empty()
    assert store.path.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_holds_nothing(store):
    store.path.touch()

    assert store.read() == b""
    assert store.load() is None


def test_a_damaged_file_is_told_by_its_name(store):
    store.path.write_text("{")

    with pytest.raises(SnapshotError, match=r"stats\.json is damaged"):
        store.load()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_told(store, make):
    make(store.path)

    with pytest.raises(SnapshotError, match="cannot be read"):
        store.read()


def test_what_cannot_be_read_now_may_be_sound(tmp_path):
    """So it is no SnapshotError, after which it would be moved away."""
    (tmp_path / "stats.json").write_bytes(EMPTY)
    fs = FaultyFileSystem(faults={("open_read", 1): 24})
    store = SnapshotStore(tmp_path, fs=fs, clock=HeldClock())

    with pytest.raises(ProjectionError, match="Too many open files") as caught:
        store.read()
    assert not isinstance(caught.value, SnapshotError)
    assert store.read() == EMPTY


def test_what_is_set_aside_takes_no_name_that_was_given(store):
    """Though the clock stands still."""
    kept = []
    for content in ("one", "two", "three"):
        store.path.write_text(content)
        kept.append(store.set_aside("corrupt"))
        assert not store.path.exists()

    assert [path.read_text() for path in kept] == ["one", "two", "three"]
    assert [path.name for path in kept] == [
        "stats.json.corrupt-2025-11-24T160000.000000Z",
        "stats.json.corrupt-2025-11-24T160000.000000Z-2",
        "stats.json.corrupt-2025-11-24T160000.000000Z-3",
    ]


def test_a_copy_is_kept_and_the_file_stays(store):
    assert store.copy_aside("replaced") is None
    store.path.write_bytes(EMPTY)
    kept = [store.copy_aside("replaced"), store.copy_aside("replaced")]

    assert [path.read_bytes() for path in kept] == [EMPTY, EMPTY]
    assert kept[0] != kept[1]
    assert kept[0].stat().st_mode & 0o777 == 0o600
    assert store.read() == EMPTY


def test_only_one_at_a_time_may_replace_it(store, tmp_path):
    other = SnapshotStore(tmp_path, fs=RealFileSystem(), clock=HeldClock())
    with store.lock():
        assert RealFileSystem().try_lock(tmp_path / "stats.lock") is None
    other.lock().release()
