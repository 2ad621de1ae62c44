from __future__ import annotations

import errno
import json
import threading

import pytest

from events.clock import format_timestamp
from events.codec import decode
from events.emitter import RESERVED
from events.errors import LogWriteError
from events.model import Failed, Skipped, Succeeded
from events.redaction import MASK
from tests.support.emitter_rig import ATTEMPT, NOON_US, OPENED, STREAM
from tests.support.faulty_filesystem import FaultyFileSystem


# What the lines say
def test_a_success_is_the_line_of_the_format(rig):
    rig.clock.us += 123456
    event = Succeeded(**ATTEMPT, duration_ns=1_534_000_000, wait_ns=20_000_000)
    assert rig.commit_one(event) == {
        "event": "job.succeeded",
        "v": 1,
        "stream": "nas-1-x7f2",
        "seq": 1,
        "timestamp": "2026-11-24T12:00:00.123456Z",
        "level": "info",
        "job_id": 42,
        "kind": "metadata",
        "scene_id": 7,
        "attempt": 1,
        "duration_ns": 1_534_000_000,
        "wait_ns": 20_000_000,
        "confidence": "high",
    }


def test_a_failure_is_the_line_of_the_format(rig):
    rig.clock.us += 2_000_001
    event = Failed(
        job_id=43,
        kind="metadata",
        scene_id=8,
        attempt=2,
        duration_ns=900_000,
        wait_ns=31_000_000_000,
        error_type="PlexNotFound",
        error="no item for /media/a.mkv",
        retry_at_us=NOON_US + 41_500_000,
    )
    assert rig.commit_one(event) == {
        "event": "job.failed",
        "v": 1,
        "stream": "nas-1-x7f2",
        "seq": 1,
        "timestamp": "2026-11-24T12:00:02.000001Z",
        "level": "warning",
        "job_id": 43,
        "kind": "metadata",
        "scene_id": 8,
        "attempt": 2,
        "duration_ns": 900_000,
        "wait_ns": 31_000_000_000,
        "error_type": "PlexNotFound",
        "error": "no item for /media/a.mkv",
        "to_dlq": False,
        "retry_at": "2026-11-24T12:00:41.500000Z",
    }


def test_the_reserved_fields_come_first_as_one_reads_a_line(rig):
    found = rig.commit_one(Skipped(**ATTEMPT))
    assert list(found)[:6] == ["event", "v", "stream", "seq", "timestamp", "level"]


def test_timestamps_follow_the_clock_both_ways(rig):
    told = []
    for step in (0, 1, 999_998, 1, -3_600_000_000, 10**18, -(10**20)):
        rig.clock.us += step
        told.append(rig.emitter.outcome(Skipped(**ATTEMPT)))
    rig.emitter.commit()
    assert [format_timestamp(at_us) for _, at_us in told] == [
        event["timestamp"] for event in rig.events()[1:]
    ]
    assert [event["timestamp"] for event in rig.events()[1:]] == [
        "2026-11-24T12:00:00.000000Z",
        "2026-11-24T12:00:00.000001Z",
        "2026-11-24T12:00:00.999999Z",
        "2026-11-24T12:00:01.000000Z",
        "2026-11-24T11:00:01.000000Z",
        "9999-12-31T23:59:59.999999Z",
        "0001-01-01T00:00:00.000000Z",
    ]


# Epochs and order
def test_outcomes_of_one_time_stand_together_in_their_order(rig):
    kinds = [Succeeded(**ATTEMPT), Skipped(**ATTEMPT), Failed(**ATTEMPT, error_type="E")]
    first = rig.emitter.outcomes(kinds)
    rig.emitter.emit("breaker.opened")
    rig.clock.us += 1
    later = rig.emitter.outcomes(kinds[:1])
    rig.emitter.commit()
    assert (first.seq, first.at_us, later.seq) == (1, NOON_US, 5)
    opened, *events = rig.events()
    assert [event["seq"] for event in (opened, *events)] == list(range(6))
    assert [event["event"] for event in events] == [
        *("job.succeeded", "job.skipped", "job.failed", "breaker.opened", "job.succeeded"),
    ]
    assert {event["timestamp"] for event in events[:3]} == {format_timestamp(first.at_us)}
    assert events[-1]["timestamp"] == format_timestamp(later.at_us)


def test_no_outcomes_are_nothing_to_write(rig):
    rig.emitter.outcomes([])
    rig.emitter.commit()
    assert rig.text() == b""


def test_nothing_is_written_before_the_first_outcome(rig):
    rig.emitter.emit("worker.started", concurrency=4)
    rig.emitter.commit()
    assert list(rig.folder.iterdir()) == []


def test_the_first_outcome_brings_stream_opened_and_what_was_held_back(make_rig):
    rig = make_rig(next_seq=100)
    started = {"concurrency": 4, "tags": ["a"]}
    rig.emitter.emit("worker.started", **started)
    started["tags"].append("later")
    rig.clock.us += 60_000_000
    assert rig.emitter.outcome(Skipped(**ATTEMPT)).seq == 102
    rig.emitter.emit("batch.summary", level="warning", text="1/1")
    assert rig.emitter.outcome(Skipped(**ATTEMPT)).seq == 104
    assert rig.text() == b""
    assert (rig.emitter.stream, rig.emitter.next_seq) == (STREAM, 105)
    rig.emitter.commit()
    events = rig.events()
    assert [(event["seq"], event["event"]) for event in events] == [
        (100, "stream.opened"),
        (101, "worker.started"),
        (102, "job.skipped"),
        (103, "batch.summary"),
        (104, "job.skipped"),
    ]
    assert events[0] == OPENED | {
        "event": "stream.opened",
        "v": 1,
        "stream": STREAM,
        "seq": 100,
        "timestamp": "2026-11-24T12:01:00.000000Z",
        "level": "info",
        "epoch": "e1",
    }
    assert events[1]["timestamp"] == "2026-11-24T12:00:00.000000Z"
    assert (events[1]["concurrency"], events[1]["tags"]) == (4, ["a"])
    assert events[3]["level"] == "warning"
    assert (rig.folder / "00000000000000000100.jsonl").exists()


def test_an_outcome_goes_through_outcome_only(rig):
    with pytest.raises(ValueError, match="outcome"):
        rig.emitter.emit("job.succeeded")


def test_other_events_cannot_change_the_reserved_fields(rig):
    rig.emitter.outcome(Skipped(**ATTEMPT))
    odd = {"v": 9, "stream": "b", "seq": 99, "timestamp": "never", "event": "job.failed", "self": 1}
    rig.emitter.emit("worker.odd", **odd)
    rig.emitter.commit()
    assert rig.events()[-1] == {
        "event": "worker.odd",
        "v": 1,
        "stream": STREAM,
        "seq": 2,
        "timestamp": "2026-11-24T12:00:00.000000Z",
        "level": "info",
        "self": 1,
    }


def test_the_context_is_in_every_event_but_cannot_say_what_an_outcome_says(make_rig):
    context = dict.fromkeys(RESERVED, True) | {"rack": 3, "self": "me", "api_key": "hunter2"}
    rig = make_rig(context=context | {"host": "nas", 7: "seven", "odd": object()})
    found = rig.commit_one(Skipped(**ATTEMPT))
    assert decode(json.dumps(found).encode()).event == "job.skipped"
    said = {
        "rack": 3,
        "self": "me",
        "api_key": MASK,
        "host": "nas",
        "7": "seven",
        "odd": "<object>",
    }
    assert said.items() <= found.items()
    plain = {"event", "v", "stream", "seq", "timestamp", "level", "duration_ns", *ATTEMPT}
    assert found.keys() == plain | said.keys()
    assert said.items() <= rig.events()[0].items()


def test_events_from_many_threads_are_numbered_without_a_hole(rig):
    def work():
        for _ in range(50):
            rig.emitter.emit("worker.odd")
            rig.emitter.outcome(Skipped(**ATTEMPT))
            rig.emitter.commit()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event["seq"] for event in rig.events()] == list(range(401))


# Commits
def test_a_commit_is_one_write_and_one_sync(make_rig):
    fs = FaultyFileSystem()
    rig = make_rig(fs=fs)
    for _ in range(3):
        rig.emitter.outcome(Skipped(**ATTEMPT))
    rig.emitter.commit()
    rig.emitter.commit()
    assert (fs.count("write"), fs.count("sync")) == (1, 1)
    assert len(rig.events()) == 4


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_failed_commit_is_told_and_no_later_one_succeeds(make_rig, operation):
    rig = make_rig(fs=FaultyFileSystem(faults={(operation, 1): errno.ENOSPC}))
    rig.emitter.outcome(Skipped(**ATTEMPT))
    for _ in range(2):
        with pytest.raises(LogWriteError):
            rig.emitter.commit()
    rig.emitter.outcome(Skipped(**ATTEMPT))
    with pytest.raises(LogWriteError):
        rig.emitter.commit()
