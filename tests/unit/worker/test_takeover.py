"""Of a dead worker's jobs none is lost and none is done twice, also where a take-over dies."""

from __future__ import annotations

import errno
import shutil
from contextlib import closing

import pytest

from events.errors import LogWriteError
from sync_queue.jobs import NewJob
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.restoring import outcome
from tests.support.workers import Dies, DyingAt, Place, ends_of, repeated_attempts
from worker.stopping import StopRequest
from worker.takeover import MAX_LOSSES, WORKER_LOST


def crash(place, where):
    """A worker holds four jobs, records three, and dies at ``where``. Gives its stream."""
    queue, letters = place.queue, place.letters
    if where == "before the dead letter":
        letters = DyingAt(letters, "insert", after=False)
    elif where == "after the dead letter":
        queue = DyingAt(queue, "apply", after=False)
    elif where == "after the queue":
        queue = DyingAt(queue, "apply", after=True)
    own = place.start(queue, letters)
    jobs = place.queue.claim(own.name, own.recorder.next_seq, 4)
    if where == "before the log":
        own.close()
        return own.name
    for job, how in zip(jobs, ["success", "dead", "retry"], strict=False):
        own.recorder.add(outcome(job, how))
    if where == "after the append, before the sync":
        place.fs.faults["sync", place.fs.count("sync") + 1] = errno.EIO
        with pytest.raises(LogWriteError):
            own.recorder.commit()
    else:
        with pytest.raises(Dies):
            own.recorder.commit()
    own.close()
    return own.name


@pytest.mark.parametrize(
    "where",
    [
        "before the log",
        "after the append, before the sync",
        "before the dead letter",
        "after the dead letter",
        "after the queue",
    ],
)
def test_wherever_a_worker_dies_nothing_is_lost_and_nothing_done_twice(place, where):
    place.fs = FaultyFileSystem()
    place.enqueue(4)
    crash(place, where)
    recorded = 0 if where == "before the log" else 3
    assert len(place.outcomes()) == recorded
    for _ in range(2):  # the second start finds nothing to do
        own = place.start()
        assert place.queue.leases(own.name) == []
        own.close()
        assert place.queue.leased_streams() == []
        assert len(place.outcomes()) == recorded
        assert [(letter.job_id, letter.seq) for letter in place.dead()] == (
            [(2, 2)] if recorded else []
        )
        counts = place.queue.counts()
        assert (counts.due, counts.scheduled, counts.leased) == (2 if recorded else 4, 0, 0)
    waiting = {job.id: job for job in place.queue.claim("other", 0, 9)}
    if recorded:
        # The retry of job 3 was recorded: due when its outcome says, counted by its schedule.
        assert (waiting[3].due_at_us, waiting[3].not_found, waiting[3].losses) == (5, 1, 0)
    assert repeated_attempts(place.data) == []


def test_the_jobs_of_a_dead_worker_run_again_with_a_loss_each_and_alone(place):
    place.enqueue(3)
    stream, _ = place.die_with_leases(2)
    own = place.start()
    assert own.name == stream
    (notice,) = place.told.notices
    assert notice == (
        f"took over stream '{stream}', whose worker is gone: 0 recorded outcomes applied, "
        "0 lost for good, 2 to run again"
    )
    (job,) = place.queue.claim(own.name, own.recorder.next_seq, 9)
    assert (job.id, job.losses, job.attempt) == (1, 1, 2)
    own.close()


def lose(place, times):
    """Let so many workers die with job 1; gives the last one's stream."""
    for _ in range(times):
        stream, (job,) = place.die_with_leases(1)
        assert job.id == 1
    return stream


def test_the_third_loss_ends_a_job_as_worker_lost(place):
    place.enqueue(1)
    lose(place, MAX_LOSSES)
    own = place.start()
    assert own.recorder.stats.jobs_to_dlq == 1
    own.close()
    (event,) = place.outcomes()
    assert (event["event"], event["error_type"], event["to_dlq"]) == (
        "job.failed",
        WORKER_LOST,
        True,
    )
    assert (event["job_id"], event["attempt"], event["duration_ns"]) == (1, 3, 0)
    (letter,) = place.dead()
    assert (letter.job_id, letter.error_type, letter.seq) == (1, WORKER_LOST, event["seq"])
    assert place.queue.counts().leased == place.queue.counts().due == 0


def test_a_worker_lost_of_another_stream_is_written_to_our_own(place):
    place.enqueue(1)
    dead_stream = lose(place, MAX_LOSSES)
    place.boot_id = "boot-2"
    own = place.start()
    own.close()
    assert own.name != dead_stream
    assert [event["stream"] for event in place.outcomes()] == [own.name]
    assert place.dead()[0].stream == own.name
    assert ends_of(place.data) == {1: ["job.failed"]}


@pytest.mark.parametrize(
    ("part", "call", "after"),
    [
        ("queue", "take_over", False),
        ("queue", "take_over", True),
        ("letters", "insert", False),
        ("letters", "insert", True),
        ("queue", "apply", False),
        ("queue", "apply", True),
        ("queue", "release_lost", False),
        ("queue", "release_lost", True),
    ],
)
def test_a_take_over_that_dies_itself_is_taken_over(place, part, call, after):
    place.enqueue(1)
    lose(place, MAX_LOSSES)
    place.boot_id = "boot-2"  # so that the lease moves to another stream
    dying = DyingAt(getattr(place, part), call, after=after)
    with pytest.raises(Dies):
        place.start(**{part: dying})
    own = place.start()
    own.close()
    assert ends_of(place.data) == {1: ["job.failed"]}
    assert repeated_attempts(place.data) == []
    assert [letter.job_id for letter in place.dead()] == [1]
    assert place.queue.leased_streams() == []


def test_a_lost_queue_that_was_made_anew_takes_nothing_from_the_old_log(tmp_path):
    with closing(Place(tmp_path)) as before:
        before.enqueue(2)
        own = before.start()
        for job in before.queue.claim(own.name, own.recorder.next_seq, 2):
            own.recorder.add(outcome(job, "success"))
        own.recorder.commit()
        own.close()
    for file in tmp_path.glob("queue.db*"):
        file.unlink()
    with closing(Place(tmp_path)) as anew:
        anew.enqueue(2)
        stream, jobs = anew.die_with_leases(2)
        assert stream == own.name
        assert [(job.id, job.attempt) for job in jobs] == [(1, 1), (2, 1)]
        anew.start().close()
        assert anew.queue.counts().due == 2


def test_leases_of_a_stream_whose_folder_is_gone_are_released(place):
    place.enqueue(2)
    stream, _ = place.die_with_leases(2)
    shutil.rmtree(place.data / "events" / stream)
    own = place.start()
    own.close()
    assert own.name != stream
    assert place.queue.counts().due == 2


def test_the_stream_of_a_live_worker_is_left_alone(place):
    place.enqueue(2)
    living = place.start()
    place.queue.claim(living.name, living.recorder.next_seq, 1)
    other = place.start()
    assert place.take_over().mend_dead(other, StopRequest()) == 0
    assert [job.id for job in place.queue.leases(living.name)] == [1]
    living.close()
    assert place.take_over().mend_dead(other, StopRequest()) == 1
    assert place.queue.leases(living.name) == []
    other.close()


def test_a_released_job_whose_key_waits_again_is_dropped(place):
    place.queue.enqueue(NewJob(1, job_key="k"))
    place.die_with_leases(1)
    place.queue.enqueue(NewJob(2, job_key="k"))
    place.start().close()
    (job,) = place.queue.claim("other", 0, 9)
    assert job.scene_id == 2


def test_a_copy_with_leases_goes_on_in_a_stream_of_its_own(place, tmp_path):
    place.enqueue(4)
    stream, _ = place.die_with_leases(2)
    place.close()
    shutil.copytree(place.data, tmp_path / "copy")
    names = []
    for data in (place.data, tmp_path / "copy"):
        with closing(Place(data)) as each:
            each.worker(lambda _: None).run()
            assert sorted(ends_of(data)) == [1, 2, 3, 4]
            names.append({event["stream"] for event in each.outcomes()})
    assert names[0] == {stream}
    assert not names[0] & names[1]
