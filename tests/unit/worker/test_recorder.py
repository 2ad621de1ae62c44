from __future__ import annotations

import errno

import pytest

from events.clock import format_timestamp
from events.errors import LogWriteError
from events.model import Failed, Skipped, Succeeded
from sync_queue.errors import QueueError
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.workers import TickingClock
from worker.recorder import Ended


@pytest.fixture
def place(place):
    place.enqueue(4)
    return place


@pytest.fixture
def own(place):
    own = place.start()
    yield own
    own.close()


def claim(place, own, limit=4):
    return place.queue.claim(own.name, own.recorder.next_seq, limit)


def succeeded(job, **more):
    fields = {"attempt": job.attempt, "duration_ns": 200_000_000, "wait_ns": 5}
    return Ended(job, Succeeded(job_id=job.id, kind="m", **fields | more))


def failed(job, **more):
    fields = {"error_type": "E", "duration_ns": 100_000_000}
    return Ended(job, Failed(job_id=job.id, kind="m", attempt=job.attempt, **fields | more))


def test_all_that_is_staged_is_recorded_together_and_the_next_jobs_claimed(place, own):
    first, second = claim(place, own, 2)
    own.recorder.add(succeeded(first))
    own.recorder.add(failed(second, retry_at_us=place.clock.us + 1))
    assert place.log() == []
    assert place.queue.counts().leased == 2
    third, fourth = own.recorder.commit(claim=5)
    assert (third.id, fourth.id) == (3, 4)
    assert [event["event"] for event in place.log()] == [
        "stream.opened",
        "job.succeeded",
        "job.failed",
    ]
    assert [event["seq"] for event in place.log()] == [0, 1, 2]
    assert (place.queue.counts().scheduled, place.queue.counts().leased) == (1, 2)
    assert third.lease_seq == own.recorder.next_seq == 3


def test_a_dead_letter_names_its_outcome(place, own):
    (job,) = claim(place, own, 1)
    own.recorder.add(failed(job, to_dlq=True, error="why"))
    own.recorder.commit()
    (letter,) = place.dead()
    assert (letter.job_id, letter.stream, letter.seq) == (job.id, own.name, 1)
    assert (letter.error_type, letter.error_message) == ("E", "why")
    assert place.queue.leases(own.name) == []


def test_a_dead_letter_and_the_stats_have_the_time_of_the_outcome(place):
    place.clock = TickingClock(0.25)
    own = place.start()
    (job,) = claim(place, own, 1)
    own.recorder.add(failed(job, to_dlq=True))
    own.recorder.commit()
    (letter,), (line,) = place.dead(), place.outcomes()
    assert format_timestamp(letter.failed_at_us) == line["timestamp"]
    assert format_timestamp(round(own.recorder.stats.session_start * 1e6)) == line["timestamp"]
    own.close()


def test_the_stats_begin_with_the_earliest_outcome(place, own):
    jobs = claim(place, own, 2)
    own.recorder.add(succeeded(jobs[0]))
    place.clock.us -= 5_000_000
    own.recorder.add(succeeded(jobs[1]))
    assert own.recorder.stats.session_start == place.clock.us / 1e6


def test_a_commit_of_nothing_touches_nothing(place, own):
    own.recorder.emit("worker.started")
    assert own.recorder.commit() == []
    assert place.log() == []


def test_other_events_alone_are_written_once_an_outcome_was(place, own):
    (job,) = claim(place, own, 1)
    own.recorder.add(succeeded(job))
    own.recorder.commit()
    own.recorder.emit("worker.stopped", reason="drained")
    own.recorder.commit()
    assert place.log()[-1]["reason"] == "drained"


def test_stats_are_what_was_recorded(place, own):
    jobs = claim(place, own)
    own.recorder.add(succeeded(jobs[0], attempt=2))
    own.recorder.add(succeeded(jobs[1], confidence="low", warnings=2))
    own.recorder.add(failed(jobs[2], to_dlq=True))
    own.recorder.add(failed(jobs[2], retry_at_us=1, wait_ns=7))
    skipped = Skipped(job_id=jobs[3].id, kind="m", attempt=1, duration_ns=9, warnings=1)
    own.recorder.add(Ended(jobs[3], skipped))
    stats = own.recorder.stats
    assert own.recorder.recorded == 5
    assert (stats.jobs_processed, stats.jobs_succeeded, stats.jobs_failed) == (4, 2, 2)
    assert (stats.jobs_to_dlq, stats.jobs_retried, stats.jobs_recovered) == (1, 1, 1)
    assert (stats.jobs_skipped, stats.jobs_with_warnings) == (1, 2)
    assert (stats.high_confidence_matches, stats.low_confidence_matches) == (1, 1)
    assert stats.errors_by_type == {"E": 2}
    assert stats.total_processing_time == 0.6
    assert stats.waiting.quantile(1) == 7e-9
    assert stats.session_start == place.clock.us / 1e6
    own.recorder.commit()
    assert own.recorder.stats.jobs_processed == 4


def test_counts_are_the_stats_but_for_the_times_which_are_added_many_at_once(
    place, own, monkeypatch
):
    monkeypatch.setattr("worker.recorder.COUNTED_TOGETHER", 3)
    jobs = claim(place, own)
    for number, job in enumerate(jobs, 1):
        own.recorder.add(failed(job) if number == 2 else succeeded(job))
        counts = own.recorder.counts
        assert (counts.jobs_processed, counts.jobs_failed) == (number, number > 1)
        assert counts.latency.count == 3 * (number // 3)
    stats = own.recorder.stats
    assert (stats.jobs_processed, stats.latency.count, stats.waiting.count) == (4, 4, 3)
    assert stats.total_processing_time_ns == stats.latency.sum_ns == 700_000_000
    assert own.recorder.stats == own.recorder.counts == stats


def test_a_log_that_cannot_be_written_acknowledges_nothing(place):
    place.fs = FaultyFileSystem(faults={("sync", 1): errno.EIO})
    own = place.start()
    live, dead = claim(place, own, 2)
    own.recorder.add(succeeded(live))
    own.recorder.add(failed(dead, to_dlq=True))
    with pytest.raises(LogWriteError, match="cannot sync the log"):
        own.recorder.commit(claim=5)
    with pytest.raises(LogWriteError, match="cannot sync the log"):
        own.recorder.commit()
    own.recorder.add(succeeded(live))
    with pytest.raises(LogWriteError):
        own.recorder.commit(claim=5)
    assert place.dead() == []
    assert [job.id for job in place.queue.leases(own.name)] == [live.id, dead.id]
    own.close()


class Refusing:
    """A queue or dead letters that fail at one call, and pass on all others."""

    def __init__(self, inner, call):
        self.inner = inner
        self.call = call

    def __getattr__(self, name):
        if name == self.call:
            return self.refuse
        return getattr(self.inner, name)

    def refuse(self, *_args, **_options):
        raise QueueError("the disk is full")


@pytest.mark.parametrize("broken", ["letters", "queue"])
def test_dead_letters_come_before_the_queue(place, broken):
    own = place.start(
        **{broken: Refusing(getattr(place, broken), "insert" if broken == "letters" else "apply")}
    )
    (job,) = claim(place, own, 1)
    own.recorder.add(failed(job, to_dlq=True))
    with pytest.raises(QueueError, match="disk is full"):
        own.recorder.commit()
    own.close()
    assert len(place.outcomes()) == 1
    assert len(place.dead()) == (broken == "queue")
    assert [job.id for job in place.queue.leases(own.name)] == [job.id]
