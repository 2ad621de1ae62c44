from __future__ import annotations

import json
from typing import Any

import pytest

from projections.errors import SnapshotError
from projections.fold import Fold
from projections.snapshot import Snapshot, parse_snapshot
from tests.support.outcome_lines import failed, opened, succeeded
from worker.stats import SyncStats


def snapshot() -> Snapshot:
    folded = Fold()
    folded.lines(
        opened(0, "e0")
        + succeeded(1)
        + failed(3, to_dlq=True)
        + failed(4, duration_ns=-1)
        + opened(0, "x", "b")
        + succeeded(1, "b")
        + succeeded(1, "b")
    )
    folded.place("a", 0, 500)
    return Snapshot(folded.entries())


def damaged(**changes: Any) -> bytes:
    data = json.loads(snapshot().to_bytes())
    for path, value in changes.items():
        *folders, key = path.split("__")
        place = data
        for folder in folders:
            place = place[folder]
        if value is ...:
            del place[key]
        else:
            place[key] = value
    return json.dumps(data).encode()


def test_the_file_has_the_totals_at_its_top_and_the_streams_below() -> None:
    data = json.loads(snapshot().to_bytes())

    assert list(data)[:9] == [
        "jobs_processed",
        "jobs_succeeded",
        "jobs_failed",
        "jobs_to_dlq",
        "total_processing_time",
        "session_start",
        "errors_by_type",
        "high_confidence_matches",
        "low_confidence_matches",
    ]
    assert data["jobs_processed"] == 3
    assert data["total_processing_time_ns"] == 400_000_000
    assert (data["invalid_lines"], data["duplicates"], data["gaps"]) == (1, 1, 1)
    assert data["as_of"] == "2026-01-01T00:00:03.000000Z"
    assert data["schema"] == 1
    assert data["streams"]["a"]["position"] == {
        "epoch": "e0",
        "seq": 5,
        "segment": 0,
        "offset": 500,
    }
    assert data["streams"]["b"]["stats"]["jobs_processed"] == 1


def test_as_a_value_it_has_the_layout_of_the_file() -> None:
    assert snapshot().to_dict() == json.loads(snapshot().to_bytes())


def test_an_older_reader_can_read_the_totals(tmp_path: Any) -> None:
    path = tmp_path / "stats.json"
    path.write_bytes(snapshot().to_bytes())

    assert SyncStats.load_from_file(path) == snapshot().total()


def test_what_was_written_is_read_again() -> None:
    assert parse_snapshot(snapshot().to_bytes(), "f") == snapshot()
    assert parse_snapshot(Snapshot.empty().to_bytes(), "f") == Snapshot.empty()
    assert Snapshot.empty().as_of_us is None


def test_entries_that_were_encoded_before_are_not_encoded_again() -> None:
    some = snapshot()
    encoded = {name: entry.to_bytes() for name, entry in some.streams.items()}

    assert some.to_bytes(encoded) == some.to_bytes()


def test_snapshots_are_equal_by_content() -> None:
    assert snapshot() == snapshot()
    assert snapshot() != Snapshot.empty()
    assert snapshot() != "snapshot"
    assert snapshot().streams["a"] != "entry"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[]", "no 'streams'"),
        (b'{"jobs_processed": 1}', "no 'streams'"),
        (b'{"streams": []}', "no 'streams'"),
        (damaged(schema=2), "schema version 2"),
        (damaged(schema=True), "schema version True"),
        (damaged(fold=0), "fold version 0"),
        (damaged(jobs_processed=4), "'jobs_processed' is not the sum"),
        (damaged(success_rate=...), "'success_rate' is not the sum"),
        (damaged(streams__a__position__seq="5"), "stream 'a' is damaged"),
        (damaged(streams__a__position__more=1), "stream 'a' is damaged"),
        (damaged(streams__a__position__seq=4), "has not seen"),
        (damaged(streams__a__seen=[[3, 2]]), "stream 'a' is damaged"),
        (damaged(streams__a__seen=...), "stream 'a' is damaged"),
        (damaged(streams__a__stats__jobs_failed=-1), "stream 'a' is damaged"),
        (damaged(streams__a__stats=None), "stream 'a' is damaged"),
        (damaged(streams__a__as_of="yesterday"), "stream 'a' is damaged"),
        (damaged(streams__a__as_of="2026-01-01T00:00:00"), "stream 'a' is damaged"),
        (damaged(streams__a__gaps=0), "contradicts itself"),
        (damaged(streams__a__invalid_lines=-1), "contradicts itself"),
        (damaged(streams__a=7), "stream 'a' is damaged"),
    ],
)
def test_what_cannot_be_believed_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(SnapshotError, match="f") as caught:
        parse_snapshot(data, "f.json")

    assert str(caught.value).startswith("f.json")
    assert why in str(caught.value)
