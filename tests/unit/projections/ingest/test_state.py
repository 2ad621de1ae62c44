from __future__ import annotations

import json

import pytest

from events.follow.record import FileRecord
from events.model import Line
from projections.errors import StateError
from projections.fold import Fold
from projections.ingest.state import LogState, State, parse_state
from projections.snapshot import Snapshot, parse_snapshot
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
        files=(FileRecord(log="/l", path="l", device=1, inode=2, offset=9, crc=3),),
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


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "damaged"),
        (b"[]", "no state of 'syncstats ingest'"),
        (b"{}", "no state of 'syncstats ingest'"),
        (b'{"streams":7}', "name another file with --state"),
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
        (changed(files=[{"log": "/l", "path": "l", "offset": 5, "tail_length": 6}]), "no place"),
        (changed(logs={}), "what waits in no log"),
        (changed(logs={"/l": {"format": "sidekiq", "waiting": [1]}}), "damaged"),
        (changed(logs={"/l": {"format": "sidekiq", "waiting": 7}}), "damaged"),
        (changed(logs={"/l": {"format": "sidekiq", "waiting": {"other": 7}}}), "of no format"),
        (changed(logs={"/l": {"format": "sidekiq", "waiting": {"unwrapper": 7}}}), "of no format"),
        (changed(logs={"/l": {"format": "sidekiq", "wrapping": "paper"}}), "wrapped by 'paper'"),
        (changed(settled=a_state().entries["a"].to_dict()), "what waits is not of what was read"),
        (changed().replace(b'"jobs_failed": 1', b'"jobs_failed": 7'), "damaged"),
        (changed().replace(b'"fold": 1', b'"fold": 9'), "fold version 9"),
    ],
)
def test_what_is_no_state_is_refused_by_its_name(data, why):
    with pytest.raises(StateError, match=r"^state.json") as caught:
        parse_state(data, "state.json")
    assert why in str(caught.value)
    assert "rebuild" not in str(caught.value)
    assert "replay" not in str(caught.value)
