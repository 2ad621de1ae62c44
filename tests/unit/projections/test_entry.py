from __future__ import annotations

import math
from typing import Any

import pytest

from events.model import Line
from projections.entry import LOOSE, MAX_EPOCHS, Entry, entry_from_dict
from projections.errors import SnapshotError
from projections.fold import Fold
from tests.support.outcome_lines import failed, opened, skipped, succeeded
from worker.histogram import Histogram


def entry(*lines: bytes, place: tuple[int, int] | None = (0, 300), stream: str = "a") -> Entry:
    fold = Fold()
    fold.lines(b"".join(lines))
    if place is not None:
        fold.place(stream, *place)
    return fold.entry(stream)


WHOLE = (opened(0, "e0"), succeeded(1), opened(2, "e1"), failed(5), failed(4, duration_ns=-1))


def changed(**changes: Any) -> dict[str, Any]:
    return entry(*WHOLE).to_dict() | changes


def placed(**changes: Any) -> dict[str, Any]:
    return changed(position=entry(*WHOLE).to_dict()["position"] | changes)


def counted(**changes: Any) -> dict[str, Any]:
    return changed(stats=entry(*WHOLE).to_dict()["stats"] | changes)


def busy() -> Histogram:
    histogram = Histogram()
    histogram.record_many([1, 2, 3])
    return histogram


@pytest.mark.parametrize(
    "lines",
    [(), WHOLE, (succeeded(3),), (skipped(0),), (b"not json\n",), (failed(0, duration_ns=-1),)],
)
@pytest.mark.parametrize("place", [None, (0, 300)])
def test_what_was_written_is_read_again(lines, place):
    some = entry(*lines, place=place)
    again = entry_from_dict("a", some.to_dict())

    assert again == some
    assert again.to_bytes() == some.to_bytes()
    assert again.position == some.position


def test_gaps_are_what_neither_valid_nor_invalid_lines_have():
    assert entry(*WHOLE).gaps == ((3, 4),)
    assert entry(succeeded(2)).gaps == ((0, 2),)
    assert entry().gaps == ()


def test_an_entry_equals_what_has_its_content_and_nothing_else():
    assert entry(*WHOLE) == entry(*WHOLE)
    assert not entry(*WHOLE) != entry(*WHOLE)  # noqa: SIM202 - it is a method of its own
    assert entry(*WHOLE) != entry(*WHOLE[:2])
    assert entry(*WHOLE) != "entry"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "damaged"),
        (changed(position=None), "damaged"),
        (changed(epochs=[["e", "0"]]), "damaged"),
        (changed(seen=[[0, 2], [2, 3]]), "sorted, apart"),
        (changed(seen=[[-1, 2]]), "sorted, apart"),
        (changed(spoilt=[[0, 2], [1, 3]]), "sorted, apart"),
        (changed(as_of=7), "damaged"),
        (changed(as_of="2026-01-01T00:00:00"), "damaged"),
        (changed(stats={"jobs_failed": True}), "jobs_failed"),
        (changed(invalid_lines=True), "damaged"),
        (changed(invalid_lines=-1), "fewer lines than none"),
        (changed(duplicates=-1), "fewer lines than none"),
        (changed(gaps=0), "has 1 gaps, not 0"),
        (placed(seq=5), "a seq that it has not seen"),
        (placed(seq=7), "a seq that it has not seen"),
        (placed(segment=None), "half a place"),
        (placed(offset=None), "half a place"),
        (placed(offset=-1), "before the log"),
        (placed(segment=-1), "before the log"),
        (placed(epoch="e0"), "not in its last epoch"),
        (placed(segment=True), "damaged"),
        (placed(more=1), "damaged"),
        (changed(epochs=[]), "not in its last epoch"),
        (changed(epochs=[["e1", 2], ["e0", 0]]), "out of order"),
        (changed(epochs=[["e0", 0], ["e1", 4]]), "an opening that it has not seen"),
        (changed(as_of=None), "a newest outcome or a start, not both"),
        (counted(session_start=None), "a newest outcome or a start, not both"),
        (counted(jobs_skipped=9), "more outcomes than lines"),
        (counted(jobs_processed=3), "neither succeeded nor failed"),
        (counted(high_confidence_matches=2), "other successes than confidences"),
        (counted(low_confidence_matches=1), "other successes than confidences"),
        (counted(errors_by_type={"A": 1, "B": 1}), "other failures than errors"),
        (counted(errors_by_type={}), "other failures than errors"),
        (counted(jobs_to_dlq=1), "dead and retried"),
        (counted(jobs_retried=0), "dead and retried"),
        (counted(jobs_recovered=2), "more recovered jobs than successes"),
        (counted(jobs_with_warnings=3), "more warnings than attempts"),
        (counted(latency=Histogram().to_dict()), "other attempts than durations"),
        (
            counted(total_processing_time=1.0, total_processing_time_ns=10**9),
            "another time than its durations",
        ),
        (counted(waiting=busy().to_dict()), "more waiting times than attempts"),
    ],
)
def test_what_cannot_be_is_refused(data, why):
    with pytest.raises(SnapshotError, match="the entry of stream 'a'") as caught:
        entry_from_dict("a", data)

    assert why in str(caught.value)


def test_outcomes_of_another_program_may_all_be_without_a_time():
    fold = Fold()
    fold.foreign("log", [Line(event="job.succeeded")], lines=3)
    some = fold.entry("log")

    assert (some.as_of_us, some.stats.session_start) == (None, math.inf)
    assert entry_from_dict("log", some.to_dict()) == some
    moved = some.to_dict() | {"as_of": "2026-01-01T00:00:00Z"}
    with pytest.raises(SnapshotError, match="a newest outcome or a start, not both"):
        entry_from_dict("log", moved)


def test_nothing_has_no_newest_outcome():
    data = entry(opened(0, "e")).to_dict()
    moved = data | {
        "as_of": "2026-01-01T00:00:00Z",
        "stats": data["stats"] | {"session_start": 1767225600.0},
    }
    with pytest.raises(SnapshotError, match="has a newest outcome, and none"):
        entry_from_dict("a", moved)


def test_lines_without_a_stream_have_no_numbers():
    loose = entry(succeeded(None, None), stream=LOOSE).to_dict()
    assert entry_from_dict(LOOSE, loose).stats.jobs_processed == 1
    with pytest.raises(SnapshotError, match="more outcomes than lines"):
        entry_from_dict("a", loose)
    with pytest.raises(SnapshotError, match="numbers lines without a stream"):
        entry_from_dict(LOOSE, changed())


def test_more_epochs_than_are_kept_are_refused():
    many = entry(*(opened(n, f"e{n}") for n in range(MAX_EPOCHS + 1))).to_dict()
    assert len(many["epochs"]) == MAX_EPOCHS
    with pytest.raises(SnapshotError, match="more than 64 epochs"):
        entry_from_dict("a", many | {"epochs": [["e0", 0], *many["epochs"]]})


def test_very_many_spans_are_kept_exactly():
    fold = Fold()
    fold.lines(b"".join(opened(2 * n, "e") for n in range(20_000)))
    some = fold.entry("a")

    assert len(some.seen) == 20_000
    assert len(some.gaps) == 19_999
    assert entry_from_dict("a", some.to_dict()).seen == some.seen
