"""A log that is older than the queue, and a queue that noted nothing yet."""

from __future__ import annotations

import json
import shutil

from tests.support.data_folders import event
from tests.support.restoring import (
    at,
    cut,
    only_segment,
    outcome,
    queue_id,
    start,
    told,
    unmark,
    work,
)


def test_a_cut_log_is_not_gone_on_with_and_what_is_missing_is_told_once(data):
    stream, _ = work(data, 3)
    whole = cut(data, stream, 3)  # opened, worker.started, one outcome
    other, notices = work(data, 1)
    assert other != stream
    (notice,) = notices
    assert notice == (
        f"the log of stream '{stream}' ends before seq 3, and the queue or the dead letters know "
        "of it up to seq 6: what is between is missing (the log was cut or lost, or an older copy "
        f"was restored). Put a newer events/{stream} back if there is one; the stats count what "
        "the log holds, and the stream is not gone on with"
    )
    assert len(only_segment(data, stream).read_bytes().splitlines()) == 3
    assert work(data, 1) == (other, [])
    cut(data, stream, 2)
    assert "ends before seq 2" in start(data)[0]
    assert start(data) == []
    only_segment(data, stream).write_bytes(whole)
    assert start(data) == []
    cut(data, stream, 2)
    assert "ends before seq 2" in start(data)[0]


def test_a_log_that_lacks_only_what_was_never_acknowledged_is_gone_on_with(data):
    with at(data) as place:
        place.enqueue(1)
        own = place.start()
        for job in place.queue.claim(own.name, own.recorder.next_seq, 1):
            own.recorder.add(outcome(job, "success"))
        own.recorder.commit()
        own.recorder.emit("note")
        own.recorder.commit()
        own.close()  # no graceful end
    cut(data, own.name, 2)
    assert work(data, 1) == (own.name, [])


def test_a_log_that_lacks_what_a_worker_told_at_its_end_is_not_gone_on_with(data):
    stream, _ = work(data, 3)
    assert work(data, 1) == (stream, [])
    with at(data) as place:
        end = len(place.log(stream))
        assert place.log(stream)[-1]["event"] == "worker.stopped"
    cut(data, stream, end - 1)
    other, (notice,) = work(data, 1)
    assert other != stream
    assert f"ends before seq {end - 1}" in notice


def test_a_worker_that_finds_nothing_to_do_notes_nothing(data):
    with at(data) as place:
        report = place.worker(lambda _job: None).run()
        assert place.queue.companions.streams() == {}
        assert place.log(report.stream) == []


def test_a_cut_log_of_another_boot_is_told_too(data):
    stream, _ = work(data, 3)
    cut(data, stream, 3)
    assert "ends before seq 3" in start(data, boot_id="boot-2")[0]


def test_a_log_that_is_gone_is_told_once(data):
    stream, _ = work(data, 3)
    shutil.rmtree(data / "events" / stream)
    other, notices = work(data, 1)
    assert other != stream
    assert [f"the log of stream '{stream}' ends before seq 0" in text for text in notices] == [True]
    assert start(data) == []


def test_a_torn_end_is_no_cut_log(data):
    stream, _ = work(data, 3)
    with only_segment(data, stream).open("ab") as file:
        file.write(b'{"event":"job.s')
    again, (notice,) = work(data, 1)
    assert again == stream
    assert "torn" in notice


def test_a_queue_of_before_takes_its_logs_for_applied(data):
    stream, _ = work(data, 3, dead=True)
    unmark(data)
    before = queue_id(data)
    assert start(data) == []
    assert queue_id(data) == before
    with at(data) as place:
        known = place.queue.companions.stream(stream)
        assert (known.next_seq, known.next_dead) == (len(place.log()), 5)
    cut(data, stream, 3)
    assert len(start(data)) == 1


def test_logs_that_cannot_be_read_are_taken_for_nothing(data):
    stream, _ = work(data, 1)
    (data / "events" / "odd").mkdir(parents=True)
    (data / "events" / "odd" / f"{0:020d}.jsonl.gz").write_bytes(b"nothing")
    unmark(data)
    assert start(data) == []
    with at(data) as place:
        assert place.queue.companions.stream("odd").next_seq == 0
        assert place.queue.companions.stream(stream).next_seq == len(place.log(stream))


def test_all_but_what_is_leased_still(data):
    stream, _ = work(data, 1)
    with at(data) as place:
        place.enqueue(1)
        own = place.start()
        end = own.recorder.next_seq
        place.queue.claim(own.name, end, 1)
        own.close()
    unmark(data)
    write = json.dumps(event(end, stream=stream, job_id=2))
    with only_segment(data, stream).open("a") as file:
        file.write(write + "\n")
    with at(data) as place:
        place.start().close()
        assert told(place) == []
        assert place.queue.counts().due == 0
        assert place.queue.companions.stream(stream).next_seq == end + 1
