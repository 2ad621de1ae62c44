"""A full disk, a quota, a read-only folder, a failed sync: waited out, and no job dies of it."""

from __future__ import annotations

import errno
import threading

import pytest

from events.log.segment import segment_name
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.refused_storage import Waits, assert_exact, told
from tests.support.workers import Place, TickingClock
from worker.errors import StorageError

SEGMENT = segment_name(0)
EVERY_CALL = ("open_append", "write", "sync", "replace_file")


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "data", TickingClock())
    place.fs = FaultyFileSystem()
    yield place
    place.close()


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
