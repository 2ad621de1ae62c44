"""A queue that is older than a log whose beginning was pruned."""

from __future__ import annotations

import json

import pytest

from events.filesystem import RealFileSystem
from events.log.stream import SUMMARY_NAME
from sync_queue.jobs import Ending
from tests.support.data_folders import event, opened, write_log
from tests.support.restoring import (
    at,
    lose,
    queue_id,
    restore,
    save,
    start,
    told,
    work,
)


def test_a_pruned_stream_of_ours_is_compared(data):
    with at(data) as place:
        write_log(data, event(40, stream="p"), event(41, stream="p"), stream="p", first=40)
        place.queue.apply("p", [Ending(1, 1, 40)])
        before = place.queue.queue_id
    assert "holds 1 outcome that it does not know" in start(data)[0]
    assert queue_id(data) != before


def prune(data, stream, end):
    """Let segments of a stream begin at ``end`` only, as after a prune."""
    folder = data / "events" / stream
    (folder / SUMMARY_NAME).write_text(json.dumps({"end": end}))
    for path in folder.glob("*.jsonl"):
        if int(path.stem) < end:
            path.unlink()


PRUNED_SINCE = "and that were pruned since. Their jobs"


def test_an_older_queue_is_known_by_outcomes_that_were_pruned(data):
    stream, _ = work(data, 2)
    before = queue_id(data)
    with at(data) as place:
        place.enqueue(3)
    save(data, "queue.db")
    work(data)
    with at(data) as place:
        end = len(place.log(stream))
    write_log(data, stream=stream, first=end)
    prune(data, stream, end)
    restore(data, "queue.db")
    again, (notice,) = work(data)
    assert again == stream
    assert f"the log held outcomes that it does not know, {PRUNED_SINCE}" in notice
    assert queue_id(data) != before
    assert start(data) == []


def test_what_is_left_counts_and_what_was_pruned_is_said(data):
    stream, _ = work(data, 2)
    with at(data) as place:
        end = len(place.log(stream))
    save(data, "queue.db")
    write_log(data, event(end + 5, stream=stream, job_id=70), stream=stream, first=end + 5)
    prune(data, stream, end + 5)
    restore(data, "queue.db")
    (notice,) = start(data)
    assert "holds 1 outcome that it does not know, and held others that were pruned" in notice
    with at(data) as place:
        place.enqueue(1)
        assert [job.id for job in place.queue.claim("x", 0, 1)] == [71]


@pytest.mark.parametrize("how", ["opening", "lease"])
def test_a_pruned_stream_is_this_queues_by_an_opening_or_a_lease(data, how):
    work(data, 1)
    with at(data) as place:
        place.enqueue(1)
        opening = opened("p") | {"seq": 9, "queue_id": place.queue.queue_id}
        if how == "lease":
            place.queue.claim("p", 3, 1)
    write_log(data, *([opening] if how == "opening" else []), stream="p", first=9)
    prune(data, "p", 9)
    assert PRUNED_SINCE in start(data)[0]
    assert start(data) == []


@pytest.mark.parametrize("opening", [True, False])
def test_what_was_pruned_of_streams_from_elsewhere_is_no_reason(data, opening):
    work(data, 1)
    before = queue_id(data)
    theirs = [opened("p") | {"seq": 9, "queue_id": "other"}] if opening else []
    write_log(data, *theirs, event(10, stream="p"), stream="p", first=9)
    prune(data, "p", 9)
    for _ in range(2):
        assert start(data) == []
    assert queue_id(data) == before


def test_nor_what_was_pruned_of_a_queue_that_is_lost(data):
    stream, _ = work(data, 3)
    with at(data) as place:
        end = len(place.log(stream))
    write_log(data, stream=stream, first=end)
    prune(data, stream, end)
    lose(data, "queue.db")
    assert work(data, 1) == (stream, [])
    assert start(data) == []


def test_nor_what_stands_before_a_lease(data):
    """Lines that are no outcomes, behind the last one; then a worker died with a lease."""
    stream, _ = work(data, 2)
    with at(data) as place:
        end = len(place.log(stream))
        write_log(data, event(end, "note", stream=stream), stream=stream, first=end)
        place.enqueue(1)
        place.queue.claim(stream, end + 1, 1)
        before = place.queue.queue_id
    write_log(data, stream=stream, first=end + 1)
    prune(data, stream, end + 1)
    assert start(data) == []  # which ends the lease
    assert start(data) == []
    assert queue_id(data) == before


def test_a_summary_that_is_damaged_or_interrupted_is_no_reason(data):
    stream, _ = work(data, 2)
    for content in ('{"end":', '{"end": 900}'):  # the segments below it are there still
        (data / "events" / stream / SUMMARY_NAME).write_text(content)
        assert [text for text in start(data) if "older than" in text] == []


class PrunedMeanwhile(RealFileSystem):
    """Old segments go in the moment before the newer one of them is opened."""

    def __init__(self, *segments):
        self.segments = segments

    def open_read(self, path):
        if path == self.segments[-1]:
            for each in self.segments:
                each.unlink(missing_ok=True)
        return super().open_read(path)


def test_a_stream_that_is_pruned_while_it_is_looked_at_is_looked_at_again(data):
    with at(data) as place:
        opening = opened("p") | {"queue_id": place.queue.queue_id}
        old = write_log(data, opening, event(1, stream="p"), stream="p")
        newer = write_log(data, event(2, stream="p"), stream="p", first=2)
        write_log(data, event(3, stream="p"), event(4, stream="p"), stream="p", first=3)
        place.queue.apply("p", [Ending(1, 1, 3)])
        place.fs = PrunedMeanwhile(old, newer)
        place.start().close()
        assert not newer.exists()
        (notice,) = told(place)
        assert "holds 1 outcome that it does not know" in notice
