"""A queue that is older than the log, and what only looks like one."""

from __future__ import annotations

import errno
import shutil

import pytest

from sync_queue.jobs import Ending
from tests.support.data_folders import event, opened, write_log
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.restoring import (
    at,
    lose,
    outcome,
    queue_id,
    restore,
    restored_queue,
    save,
    start,
    told,
    unmark,
    work,
)
from tests.support.workers import Dies, DyingAt


def test_an_older_queue_goes_on_as_another_one_and_its_jobs_run_again(data):
    stream = restored_queue(data)
    before = queue_id(data)
    again, (notice,) = work(data)
    assert again == stream
    after = queue_id(data)
    assert after != before
    assert notice == (
        "queue.db is older than the log (restored from a backup?): the log holds 2 outcomes that "
        "it does not know. Their jobs, where they wait in it again, are run again and count as "
        f"runs of their own (at least once); the queue goes on under a new id, {after}"
    )
    with at(data) as place:
        openings = [line for line in place.log(stream) if line["event"] == "stream.opened"]
        assert [line["queue_id"] for line in openings] == [before, after]
        runs = [(line["job_id"], line["attempt"]) for line in place.outcomes()]
        assert runs == [(1, 1), (2, 1)] * 2
        assert place.queue.counts().due == place.queue.counts().leased == 0
    assert work(data, 1) == (stream, [])
    assert queue_id(data) == after


def test_job_ids_in_the_log_are_not_given_again(data):
    with at(data) as place:
        place.enqueue(1)
    save(data, "queue.db")
    work(data, 5)
    restore(data, "queue.db")
    start(data)
    with at(data) as place:
        place.enqueue(2)
        assert [job.id for job in place.queue.claim("x", 0, 9)] == [1, 7, 8]


def test_a_queue_from_before_its_stream_was_begun(data):
    with at(data) as place:
        place.start().close()
    shutil.rmtree(data / "events")
    stream = restored_queue(data, 1)
    assert "holds 1 outcome that it does not know" in start(data)[0]
    assert start(data) == []
    assert work(data, 1)[0] == stream


def test_the_same_backup_restored_twice_is_told_twice(data):
    restored_queue(data)
    ids = {queue_id(data)}
    for _ in range(2):
        work(data)
        ids.add(queue_id(data))
        restore(data, "queue.db")
        assert len(start(data)) == 1
        ids.add(queue_id(data))
    assert len(ids) == 4  # that of the backup, and one for each time


def test_leases_of_the_older_queue_are_settled_by_the_log(data):
    with at(data) as place:
        place.enqueue(4)
        own = place.start()
        place.queue.claim(own.name, own.recorder.next_seq, 2)
        own.close()
    save(data, "queue.db")
    stream, _ = work(data)  # all four end, two of them after a loss
    restore(data, "queue.db")
    with at(data) as place:
        place.start().close()
        (notice,) = told(place)
        assert "holds 4 outcomes" in notice  # those that are leased have another attempt there
        assert place.queue.counts().due == 4
    with at(data) as place:
        jobs = place.queue.claim(stream, 100, 1)
        assert jobs[0].losses == 1


def test_outcomes_that_its_leases_cover_are_applied_as_always(data):
    with at(data) as place:
        place.enqueue(4)
        own = place.start()
        jobs = place.queue.claim(own.name, own.recorder.next_seq, 2)
        save(data, "queue.db")
        for _ in range(2):
            for job in jobs:
                own.recorder.add(outcome(job, "success"))
            jobs = own.recorder.commit(claim=2)
        own.close()
    restore(data, "queue.db")
    with at(data) as place:
        place.start().close()
        assert "holds 2 outcomes" in told(place)[0]
        assert "2 recorded outcomes applied" in place.told.notices[1]
        assert [job.id for job in place.queue.claim("x", 0, 9)] == [3, 4]


@pytest.mark.parametrize(("part", "call", "after"), [
    ("letters", "insert", False),
    ("letters", "insert", True),
    ("queue", "apply", False),
    ("queue", "apply", True),
])  # fmt: skip
def test_a_worker_that_died_before_it_acknowledged_is_no_older_queue(data, part, call, after):
    work(data, 1)
    before = queue_id(data)
    with at(data) as place:
        place.enqueue(2)
        own = place.start(**{part: DyingAt(getattr(place, part), call, after=after)})
        jobs = place.queue.claim(own.name, own.recorder.next_seq, 2)
        for job, how in zip(jobs, ["success", "dead"], strict=True):
            own.recorder.add(outcome(job, how))
        with pytest.raises(Dies):
            own.recorder.commit()
        own.close()
    assert start(data) == []
    assert start(data) == []
    assert queue_id(data) == before
    with at(data) as place:
        assert place.queue.counts().due == 0
        assert len(place.dead()) == 1


def test_a_worker_that_lives_may_be_ahead_of_the_queue(data):
    with at(data) as place:
        place.enqueue(2)
        own = place.start(DyingAt(place.queue, "apply", after=False))
        for job in place.queue.claim(own.name, own.recorder.next_seq, 2):
            own.recorder.add(outcome(job, "success"))
        with pytest.raises(Dies):
            own.recorder.commit()
        with place.queue._database.transaction() as connection:
            connection.execute("DELETE FROM jobs")  # not even a lease covers its outcomes
        before = place.queue.queue_id
        other = place.start()
        assert told(place) == []
        assert place.queue.queue_id == before
        other.close()
        own.close()
        place.start().close()
        assert len(told(place)) == 1


def test_a_queue_made_anew_takes_nothing_from_the_old_log_and_says_nothing(data):
    stream, _ = work(data, 3)
    lose(data, "queue.db")
    again, notices = work(data, 2)
    assert (again, notices) == (stream, [])
    with at(data) as place:
        assert len(place.outcomes()) == 5
    assert start(data) == []


def test_streams_copied_from_elsewhere_are_looked_at_once(data, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    copied, _ = work(elsewhere, 3)
    work(data, 1)
    shutil.copytree(elsewhere / "events" / copied, data / "events" / copied)
    before = queue_id(data)
    assert start(data) == []
    assert queue_id(data) == before
    with at(data) as place:
        assert place.queue.companions.stream(copied).looked_seq == len(place.log(copied))


def test_streams_that_hold_no_outcome_and_lines_of_others_are_no_reason(data):
    write_log(data, event(0, "note"), event(1, "note"), stream="notes")
    write_log(data, "no JSON", stream="junk")
    write_log(data, event(40), event(41), stream="pruned", first=40)
    before = queue_id(data)
    assert work(data, 1)[1] == []
    assert start(data) == []
    assert queue_id(data) == before


@pytest.mark.parametrize("unmarked", [False, True])
@pytest.mark.parametrize("name", ["job.succeeded", "job.failed", "note"])
@pytest.mark.parametrize("seq", [2**63 - 2, 2**63 - 1])
def test_numbers_near_their_end_are_bound_nowhere(data, seq, name, unmarked):
    """Neither where the stream is of this queue, nor where it is not, nor in one of before."""
    work(data, 1)
    before = queue_id(data)
    for stream, theirs in {"ours": before, "theirs": "other", "whose": None}.items():
        far = event(
            seq,
            *(name, stream),
            timestamp="2026-01-01T00:00:00Z",
            job_id=seq,
            error_type="E",
            to_dlq=True,
        )
        opening = [opened(stream) | {"queue_id": theirs}] if theirs else []
        write_log(data, *opening, far, stream=stream)
    write_log(data, stream="named", first=2**63 - 1)
    if unmarked:
        unmark(data)
    assert work(data, 1)[1] == []
    assert start(data) == []
    assert queue_id(data) == before


def test_hundreds_of_dead_streams_cost_one_look_at_the_end_of_each(data):
    with at(data) as place:
        lines = [opened() | {"queue_id": place.queue.queue_id}]
        lines += [event(seq) for seq in range(1, 400)]
        for number in range(100):
            name = f"s{number}"
            for first in (0, 200):
                part = [line | {"stream": name} for line in lines[first : first + 200]]
                write_log(data, *part, stream=name, first=first)
            place.queue.apply(name, [Ending(1, 1, 399)])
        place.fs = FaultyFileSystem()
        place.start().close()
        assert told(place) == []
        last = f"{200:020d}.jsonl"
        looks = [name for operation, name in place.fs.calls if operation == "open_read"]
        assert set(looks) - {"owner"} == {last}
        assert looks.count(last) <= 2 * 100  # the second: whether it ends with a whole line
        assert place.fs.count("sync_file") == 0
    assert not list(data.glob("events/s*/lock"))


def test_a_log_that_cannot_be_brought_to_disk_is_told_and_changes_nothing(data):
    restored_queue(data)
    before = queue_id(data)
    with at(data) as place:
        place.fs = FaultyFileSystem(faults={("sync_file", 1): errno.EIO})
        place.start().close()
        assert "cannot be compared with the queue" in told(place)[0]
    assert queue_id(data) == before
    assert "older than the log" in start(data)[0]


def test_a_stream_that_cannot_be_read_is_left_to_those_who_read_it(data):
    (data / "events" / "odd").mkdir(parents=True)
    (data / "events" / "odd" / f"{0:020d}.jsonl.gz").write_bytes(b"nothing")
    assert work(data, 1)[1] == []
