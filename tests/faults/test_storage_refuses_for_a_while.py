"""A full disk, a quota, a read-only folder, a failed sync: waited out, and no job dies of it."""

from __future__ import annotations

import errno
import sqlite3
import threading

import pytest

from events.log.segment import segment_name
from projections.runner import Runner
from sync_queue.errors import QueueError
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.workers import Place, TickingClock, ends_of, repeated_attempts
from worker.errors import PermanentError, StorageError

SEGMENT = segment_name(0)
EVERY_CALL = ("open_append", "write", "sync", "replace_file")


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "data", TickingClock())
    place.fs = FaultyFileSystem()
    yield place
    place.close()


class Waits:
    """Stands for sleep: after so many of the worker's waits the trouble is over."""

    def __init__(self, end, after=30):
        self.left = after
        self.end = end

    def __call__(self, _seconds):
        self.left -= 1
        if self.left == 0:
            self.end()


def told(place, text):
    return sum(text in notice for notice in place.told.notices)


def assert_exact(place, jobs):
    """Each of these jobs succeeded once, in every account of it."""
    assert ends_of(place.data) == {job: ["job.succeeded"] for job in jobs}
    assert repeated_attempts(place.data) == []
    assert place.dead() == []
    counts = place.queue.counts()
    assert (counts.due, counts.scheduled, counts.leased) == (0, 0, 0)
    runner = Runner(place.data)
    runner.start()
    runner.catch_up()
    assert runner.snapshot.total().jobs_succeeded == len(jobs)
    assert runner.snapshot.gaps == 0


@pytest.mark.parametrize("short", [0, 100, 10_000])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", EVERY_CALL[:3])
def test_the_worker_goes_on_when_there_is_room_again(place, call, code, short):
    place.enqueue(5)
    place.fs.short = short
    if call == "sync":
        place.fs.faults = {(call, 1): code}
    else:
        place.fs.standing = dict.fromkeys((call, "replace_file"), code)
    ran = []
    sleep = Waits(place.fs.standing.clear)
    report = place.worker(lambda job: ran.append(job.id), sleep=sleep, batch=2).run()

    assert report.stats.jobs_succeeded == 5
    assert ran == [1, 2, 3, 4, 5]  # none twice
    assert_exact(place, range(1, 6))
    assert told(place, "no job is taken until that is mended") == 1
    assert told(place, "can be written to again") == 1
    assert place.told.summaries


def test_after_a_failed_sync_the_lines_stand_in_a_new_segment_and_a_new_epoch_follows(place):
    place.enqueue(3)
    place.fs.faults = {("sync", 2): errno.EIO}
    place.worker(lambda _: None, sleep=Waits(int), batch=1).run()

    (stream,) = place.streams()
    segments = sorted((place.data / "events" / stream).glob("*.jsonl"))
    first, second = (path.read_bytes().split(b"\n")[:-1] for path in segments)
    assert second[0] == first[-1]  # the line whose sync failed, as it was
    assert int(segments[1].stem) == len(first) - 1
    synced = [name for operation, name in place.fs.calls if operation == "sync"]
    assert synced.index(segments[1].name) == 2  # and the first one never again
    assert segments[0].name not in synced[2:]
    opened = [event for event in place.log() if event["event"] == "stream.opened"]
    assert len({event["epoch"] for event in opened}) == 2
    assert_exact(place, range(1, 4))


def test_nothing_begins_meanwhile_and_what_runs_is_kept(place):
    place.enqueue(9)
    trouble = threading.Event()
    began = []

    def handler(job):
        began.append(job.id)
        if job.id > 1:  # job 1 ends, and cannot be recorded while 2 and 3 run
            assert trouble.wait(30)

    place.fs.standing = dict.fromkeys(EVERY_CALL, errno.ENOSPC)
    seen = []

    def sleep(_seconds):
        trouble.set()
        seen.append(list(began))
        if len(seen) == 30:
            place.fs.standing.clear()

    place.worker(handler, sleep=sleep, concurrency=2).run()
    assert set(seen[-1]) <= {1, 2, 3}  # job 3 where it began before the error showed
    assert_exact(place, range(1, 10))


def test_with_drain_it_gives_up_after_a_minute_and_no_job_is_charged(place):
    place.enqueue(4)
    place.fs.standing = dict.fromkeys(EVERY_CALL, errno.ENOSPC)
    begin_ns = place.clock.monotonic_ns()
    with pytest.raises(StorageError, match=r"given up after \d+ s: cannot .*No space left"):
        place.worker(lambda _: None, sleep=int, batch=2).run()
    assert 60e9 <= place.clock.monotonic_ns() - begin_ns < 90e9
    assert place.queue.counts().leased == 0
    assert told(place, "no job is taken") == 1

    place.fs.standing.clear()
    place.worker(lambda _: None).run()
    assert_exact(place, range(1, 5))
    assert len(place.streams()) == 1


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_what_a_failed_sync_left_in_memory_is_written_again_before_it_is_believed(place, code):
    place.enqueue(2)
    place.fs.faults = {("sync", 2): code}
    place.fs.standing = {"replace_file": code}
    with pytest.raises(StorageError):
        place.worker(lambda _: None, sleep=int, batch=1).run()
    last = place.fs.calls[-8:]
    assert last.index(("write_again", SEGMENT)) < last.index(("sync_file", SEGMENT))
    assert_exact(place, [1, 2])


def test_without_drain_it_waits_for_as_long_as_it_takes_and_a_stop_ends_that(place):
    place.enqueue(2)
    place.fs.standing = dict.fromkeys(EVERY_CALL, errno.ENOSPC)

    def stop():
        assert place.clock.monotonic_ns() - begin_ns > 600e9
        worker.stop()

    worker = place.worker(lambda _: None, sleep=Waits(stop, 9000), drain=False, grace_s=5)
    begin_ns = place.clock.monotonic_ns()
    with pytest.raises(StorageError):
        worker.run()
    assert place.queue.counts().due == 2


def test_a_stop_at_once_does_not_wait_for_the_grace(place):
    place.enqueue(1)
    place.fs.standing = dict.fromkeys(EVERY_CALL, errno.ENOSPC)

    def stop():
        worker.stop(at_once=True)

    worker = place.worker(lambda _: None, sleep=Waits(stop), drain=False, grace_s=1e9)
    with pytest.raises(StorageError):
        worker.run()
    assert place.queue.counts().due == 1


class Refuses:
    """A queue or dead letters whose database refuses a call some times.

    Args:
        inner: What is wrapped.
        call: The method.
        code: SQLite's result code.
        times: How often it refuses; before that, it lets `free` calls pass.
        done: Whether what it is asked for happens all the same.
    """

    def __init__(self, inner, call, code=sqlite3.SQLITE_FULL, *, times=3, free=0, done=False):
        self.inner, self.call, self.code = inner, call, code
        self.times, self.free, self.done = times, free, done

    def __getattr__(self, name):
        whole = getattr(self.inner, name)
        return self.refuse(whole) if name == self.call else whole

    def refuse(self, whole):
        def call(*args, **options):
            if args == ([],):  # no letters: nothing is written
                return whole(*args, **options)
            self.free -= 1
            if self.free >= 0 or self.times == 0:
                return whole(*args, **options)
            self.times -= 1
            if self.done:
                whole(*args, **options)
            cause = sqlite3.OperationalError("database or disk is full")
            cause.sqlite_errorcode = self.code
            raise QueueError("queue.db: database or disk is full") from cause

        return call


CODES = [
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR | 4 << 8,  # SQLITE_IOERR_FSYNC
    sqlite3.SQLITE_BUSY,
]


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    ("call", "free"), [("apply", 0), ("apply", 1), ("apply", 2), ("counts", 0)]
)
def test_a_queue_that_refuses_for_a_while(place, call, free, code, done):
    """Also where it has done what it was asked for: jobs are leased then that no one was given."""
    place.enqueue(5)
    queue = Refuses(place.queue, call, code, free=free, done=done)
    ran = []
    place.worker(lambda job: ran.append(job.id), queue=queue, sleep=Waits(int), batch=2).run()
    assert sorted(ran) == [1, 2, 3, 4, 5]
    assert told(place, "no job is taken") == 1
    assert_exact(place, range(1, 6))
    assert {event["attempt"] for event in place.outcomes()} == {1}


@pytest.mark.parametrize("done", [False, True])
def test_dead_letters_that_refuse_for_a_while(place, done):
    place.enqueue(3)
    place.letters = Refuses(place.letters, "insert", done=done)

    def handler(job):
        if job.id == 2:
            raise PermanentError("no")

    place.worker(handler, sleep=Waits(int), batch=1).run()
    assert [letter.job_id for letter in place.dead()] == [2]
    assert sorted(ends_of(place.data)) == [1, 2, 3]
    assert repeated_attempts(place.data) == []
    assert place.queue.counts().leased == 0


@pytest.mark.parametrize("call", ["leased_streams", "leases", "release_lost"])
def test_a_take_over_that_meets_trouble_is_done_again(place, call):
    place.enqueue(3)
    dead, _ = place.die_with_leases(2)
    free = {"leased_streams": 1, "leases": 1, "release_lost": 0}[call]

    queue = Refuses(place.queue, call, free=free)
    first = place.start()  # somebody else holds the dead one's stream at our start
    worker = place.worker(
        lambda _: None, queue=queue, take_over=place.take_over(queue), sleep=Waits(int)
    )
    first.close()
    worker.run()
    assert_exact(place, range(1, 4))
    assert dead


@pytest.fixture
def dying(place):
    """A worker that holds job 1, which two workers died with; closing it is its death."""
    place.enqueue(2)
    for _ in range(2):
        place.queue.claim("dead", 0, 1)
        place.queue.release_lost("dead")
    other = place.start()
    (job,) = place.queue.claim(other.name, other.recorder.next_seq, 1)
    assert (job.id, job.losses) == (1, 2)
    yield other
    other.close()


def assert_lost_once(place):
    assert ends_of(place.data) == {1: ["job.failed"], 2: ["job.succeeded"]}
    assert [letter.error_type for letter in place.dead()] == ["WorkerLost"]
    assert repeated_attempts(place.data) == []
    assert place.queue.counts().leased == place.queue.counts().due == 0


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(("call", "free"), [("take_over", 0), ("release_lost", 0), ("apply", 2)])
def test_a_job_lost_for_good_ends_once_whatever_the_queue_refuses(place, dying, call, free, done):
    queue = Refuses(place.queue, call, done=done, free=free)
    worker = place.worker(
        lambda _: dying.close(), queue=queue, take_over=place.take_over(queue), sleep=Waits(int)
    )
    worker.run()
    assert_lost_once(place)
    assert told(place, "no job is taken") == 1


@pytest.mark.parametrize("how", ["drain", "stop"])
def test_a_job_lost_for_good_stays_ended_when_the_worker_gives_up(place, dying, how):
    letters = Refuses(place.letters, "insert", times=10_000)
    letters.call = "nothing yet"

    def handler(_job):
        letters.call = "insert"
        dying.close()

    worker = place.worker(
        handler,
        take_over=place.take_over(letters=letters),
        drain=how == "drain",
        grace_s=1,
        sleep=Waits(lambda: worker.stop() if how == "stop" else None),
    )
    with pytest.raises(StorageError):
        worker.run()
    assert told(place, "no job is taken") == 1
    assert told(place, "can be written to again") == 0
    place.told.notices.clear()
    place.worker(lambda _: None).run()
    assert_lost_once(place)
    assert told(place, "older") == told(place, "lacks") == 0


def test_an_error_that_is_no_trouble_of_the_storage_ends_the_worker(place):
    place.enqueue(1)
    queue = Refuses(place.queue, "apply", sqlite3.SQLITE_CORRUPT, free=1)
    with pytest.raises(QueueError):
        place.worker(lambda _: None, queue=queue, sleep=pytest.fail).run()
