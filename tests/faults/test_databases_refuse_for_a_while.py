"""The queue's or the dead letters' database refuses: waited out, and each job ends once."""

from __future__ import annotations

import sqlite3

import pytest

from sync_queue.errors import QueueError
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.refused_storage import Waits, assert_exact, told
from tests.support.workers import Place, TickingClock, ends_of, repeated_attempts
from worker.errors import PermanentError, StorageError


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "data", TickingClock())
    place.fs = FaultyFileSystem()
    yield place
    place.close()


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
