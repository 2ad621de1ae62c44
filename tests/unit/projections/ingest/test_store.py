from __future__ import annotations

import os
from pathlib import Path

import pytest

from events.filesystem import REAL
from projections.errors import SaveError, StateError
from projections.ingest.state import State
from projections.ingest.store import StateStore
from tests.support.held_clock import HeldClock
from tests.unit.projections.ingest.test_state import a_state


@pytest.fixture
def store(tmp_path):
    return StateStore(tmp_path / "state.json", fs=REAL, clock=HeldClock())


def test_what_was_saved_is_read_again(store):
    store.save(a_state().to_bytes())

    assert store.load() == a_state()


def test_no_file_and_an_empty_one_are_the_beginning(store):
    assert store.load() is None
    store.path.touch()
    assert store.load() is None


def test_a_state_with_nothing_in_it(store):
    store.save(State("ingest-2").to_bytes())

    assert store.load() == State("ingest-2")


def test_what_is_no_state_is_refused_and_stands(store):
    store.save(b"{")
    with pytest.raises(StateError, match=r"state.json is damaged"):
        store.load()
    assert store.path.read_bytes() == b"{"


def test_a_folder_is_no_state(tmp_path):
    with pytest.raises(StateError, match="is a folder"):
        StateStore(tmp_path, fs=REAL, clock=HeldClock()).load()


def test_only_one_has_the_lock(store):
    why = r"another 'syncstats ingest' keeps .*state.json"
    with store.lock(), pytest.raises(StateError, match=why):
        store.lock()
    store.lock().release()


def test_what_is_kept_aside_never_takes_the_place_of_another(store):
    for text in ("one", "two"):
        store.path.write_text(text)
        aside = store.set_aside()
        assert aside.read_text() == text
    assert not store.path.exists()
    kept = [path.name for path in store.path.parent.iterdir()]
    assert sorted(kept) == sorted(
        [
            "state.json.corrupt-2025-11-24T160000.000000Z",
            "state.json.corrupt-2025-11-24T160000.000000Z-2",
        ]
    )


def test_the_file_is_for_its_user_alone_or_keeps_its_mode(store):
    before = os.umask(0)
    try:
        store.save(b"x")
        assert store.path.stat().st_mode & 0o777 == 0o600
        store.path.chmod(0o644)
        store.save(b"y")
    finally:
        os.umask(before)

    assert store.path.stat().st_mode & 0o777 == 0o644


def test_a_state_that_cannot_be_saved_stands_as_it_was(store, monkeypatch):
    store.save(b"x")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(REAL), "replace_file", refuse)
    with pytest.raises(SaveError, match=r"state.json cannot be saved: No space left on device"):
        store.save(b"y")
    assert store.path.read_bytes() == b"x"


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_refused_and_nothing_laid_beside_it(tmp_path, kind):
    path = Path(os.devnull) if kind == "device" else tmp_path / "s"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(StateError, match="is no regular file"):
        StateStore(path, fs=REAL, clock=HeldClock()).lock()
    assert not path.with_name(f"{path.name}.lock").exists()


def test_a_link_leads_to_the_state_and_its_lock(store, tmp_path):
    (tmp_path / "link").symlink_to(store.path)
    other = StateStore(tmp_path / "link", fs=REAL, clock=HeldClock())
    with other.lock(), pytest.raises(StateError):
        store.lock()
    other.save(a_state().to_bytes())

    assert store.load() == a_state()
    assert (tmp_path / "link").is_symlink()


def test_a_state_needs_a_name():
    with pytest.raises(StateError, match="is no name of a file"):
        StateStore(Path(), fs=REAL, clock=HeldClock()).lock()
