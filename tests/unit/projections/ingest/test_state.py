from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from events.filesystem import REAL
from events.follow.record import FileRecord
from events.model import Line
from projections.errors import StateError
from projections.fold import Fold
from projections.ingest.state import LogState, State, StateStore, parse_state
from projections.snapshot import Snapshot, parse_snapshot
from tests.support.held_clock import HeldClock
from tests.support.outcome_lines import opened, succeeded


def a_state() -> State:
    fold = Fold()
    fold.lines(opened(0, "e") + succeeded(1))
    fold.foreign("ingest-1", [Line(event="job.succeeded")], lines=3)
    settled = fold.entry("ingest-1")
    fold.foreign("ingest-1", [Line(event="job.failed")], lines=0)
    return State(
        stream="ingest-1",
        entries=fold.entries(),
        settled=settled,
        files=(FileRecord(log="/l", path="l", device=1, inode=2, offset=9, marks=(3,)),),
        logs={
            "/l": LogState("sidekiq", None, "k", {"translator": [1]}),
            "/m": LogState("ecs", "docker", "q"),
        },
        searched_us=1_764_000_000_000_000,
    )


def changed(**changes: object) -> bytes:
    data = json.loads(a_state().to_bytes())
    data["ingest"] |= changes
    return json.dumps(data).encode()


@pytest.fixture
def store(tmp_path):
    return StateStore(tmp_path / "state.json", fs=REAL, clock=HeldClock())


def test_what_was_saved_is_read_again(store):
    store.save(a_state().to_bytes())

    assert store.load() == a_state()


def test_the_same_state_is_the_same_bytes():
    again = parse_state(a_state().to_bytes(), "f").to_bytes()

    assert again == a_state().to_bytes()
    assert again.count(b"\n") == 1
    assert again.endswith(b"}\n")


def test_a_reader_of_snapshots_reads_the_file():
    snapshot = parse_snapshot(a_state().to_bytes(), "f")

    assert snapshot == Snapshot(a_state().entries)
    assert (snapshot.total().jobs_succeeded, snapshot.total().jobs_failed) == (2, 1)


def test_an_older_state_does_not_tell_when_files_were_searched_for():
    assert b"searched_us" not in State("s").to_bytes()
    assert parse_state(State("s").to_bytes(), "f").searched_us is None


def test_no_file_and_an_empty_one_are_the_beginning(store):
    assert store.load() is None
    store.path.touch()
    assert store.load() is None


def test_a_state_with_nothing_in_it(store):
    store.save(State("ingest-2").to_bytes())

    assert store.load() == State("ingest-2")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "damaged"),
        (b"[]", "no snapshot"),
        (a_state().to_bytes()[:-40], "damaged"),
        (Snapshot.empty().to_bytes(), "not where 'syncstats ingest' is to go on"),
        (changed(version=2), "newer"),
        (changed(version="1"), "damaged"),
        (changed(version=0), "damaged"),
        (changed(stream=""), "damaged"),
        (changed(files=[{"log": 1}]), "damaged"),
        (changed(files=[{"log": "/l", "path": "l", "offset": -1}]), "read to no place"),
        (changed(files=[{"log": "/l", "path": "l", "tail_length": 257}]), "read to no place"),
        (changed(logs=[]), "damaged"),
        (changed(searched_us="now"), "damaged"),
        (changed(searched_us=-1), "at no time"),
        (changed(searched_us=10**30), "damaged"),
        (changed(settled={}), "damaged"),
        (changed(settled=a_state().entries["a"].to_dict()), "what waits is not of what was read"),
        (changed().replace(b'"jobs_failed": 1', b'"jobs_failed": 7'), "damaged"),
        (changed().replace(b'"fold": 1', b'"fold": 9'), "fold version 9"),
    ],
)
def test_what_is_no_state_is_refused_by_its_name(data, why, store):
    store.save(data)

    with pytest.raises(StateError, match=r"state.json") as caught:
        store.load()
    assert why in str(caught.value)
    assert "rebuild" not in str(caught.value)
    assert store.path.read_bytes() == data


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


def test_the_file_follows_the_umask(store):
    before = os.umask(0o027)
    try:
        store.save(b"x")
    finally:
        os.umask(before)

    assert store.path.stat().st_mode & 0o777 == 0o640


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
