from __future__ import annotations

import errno
import shutil

import pytest

from events.errors import LogWriteError
from events.limits import MAX_INTEGER
from events.log.numbers import MOST_NEXT_SEQ
from events.log.segment import segment_name
from events.model import JOB_SUCCEEDED, WORKER_STOPPED, Failed, Succeeded
from tests.support.data_folders import event, lines_of
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.locked import is_locked
from tests.support.workers import Place
from worker.recorder import Ended


def work(place, count=1, *, die=False):
    """Let a worker record so many outcomes and end: its stream's name."""
    place.enqueue(count)
    own = place.start()
    for job in place.queue.claim(own.name, own.recorder.next_seq, count):
        if die:
            event = Failed(job_id=job.id, kind="m", attempt=1, error_type="E", to_dlq=True)
        else:
            event = Succeeded(job_id=job.id, kind="m", attempt=1)
        own.recorder.add(Ended(job, event))
    own.recorder.commit()
    own.close()
    return own.name


def test_a_worker_that_finds_nothing_to_do_writes_nothing(place):
    own = place.start()
    own.recorder.emit("worker.started")
    own.recorder.commit()
    own.close()
    assert place.streams() == [own.name]
    assert own.name.startswith("nas-")
    assert place.log() == []


def test_the_next_worker_goes_on_with_the_stream_in_an_epoch_of_its_own(place):
    first = work(place, 2)
    assert work(place) == first
    log = place.log()
    assert [event["seq"] for event in log] == list(range(5))
    epochs = [event["epoch"] for event in log if event["event"] == "stream.opened"]
    assert len(set(epochs)) == 2
    assert log[0]["queue_id"] == place.queue.queue_id


def test_thirty_starts_leave_one_stream(place):
    assert len({work(place) for _ in range(30)}) == 1


def test_two_workers_at_once_have_two_streams_and_the_next_two_the_same(place):
    first, second = place.start(), place.start()
    assert first.name != second.name
    first.close()
    second.close()
    again = [place.start(), place.start()]
    assert {own.name for own in again} == {first.name, second.name}
    for own in again:
        own.close()


def test_after_a_boot_a_new_stream_is_begun(place):
    first = work(place)
    place.boot_id = "boot-2"
    assert work(place) != first
    assert len(place.streams()) == 2


def test_a_copied_folder_is_not_written_on(place, tmp_path):
    first = work(place)
    shutil.copytree(place.data, tmp_path / "copy")
    copy = Place(tmp_path / "copy")
    assert work(copy) != first
    copy.close()
    assert work(place) == first


def test_a_log_that_ends_before_a_dead_letter_is_not_gone_on_with(place):
    first = work(place, 3, die=True)
    (segment,) = (place.data / "events" / first).glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:2]))
    assert work(place) != first
    assert (
        "ends before seq 2, and the queue or the dead letters know of it up to seq 3"
        in (place.told.notices[0])
    )
    assert segment.read_bytes() == b"".join(lines[:2])


def test_a_log_that_ends_before_a_lease_is_not_gone_on_with(place):
    first = work(place, 3)
    place.enqueue(1)
    own = place.start()
    place.queue.claim(own.name, own.recorder.next_seq, 1)
    own.close()
    (segment,) = (place.data / "events" / first).glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().splitlines(keepends=True)[0])
    own = place.start()
    assert own.name != first
    own.close()
    assert place.queue.counts().due == 1


def test_a_log_that_ends_where_the_lease_begins_is_gone_on_with(place):
    first = work(place, 3, die=True)
    place.enqueue(1)
    assert place.die_with_leases(1)[0] == first
    own = place.start()
    assert own.name == first
    own.close()


def write_far(place, stream, seq, name, *, in_its_place):
    """Let the log of a stream end with a number that no worker gives."""
    folder = place.data / "events" / stream
    last = max(folder.glob("*.jsonl")) if in_its_place else folder / segment_name(seq)
    with last.open("a") as file:
        file.write(lines_of(event(seq, name, stream, timestamp="2026-01-01T00:00:00Z")))


@pytest.mark.parametrize("in_its_place", [True, False])
@pytest.mark.parametrize("name", [JOB_SUCCEEDED, WORKER_STOPPED])
@pytest.mark.parametrize("seq", [MOST_NEXT_SEQ, MAX_INTEGER - 1, MAX_INTEGER])
def test_a_log_near_the_end_of_the_numbers_is_not_gone_on_with(place, seq, name, in_its_place):
    first = work(place)
    write_far(place, first, seq, name, in_its_place=in_its_place)
    before = place.queue.queue_id
    other = work(place)
    (notice,) = place.told.notices
    assert notice.startswith(f"stream '{first}' is not gone on with: its log holds seq {seq}, ")
    assert other != first
    assert work(place) == other
    assert place.queue.queue_id == before
    assert [line["seq"] for line in place.log(other)] == list(range(4))


def test_numbers_up_to_there_are_gone_on_with(place):
    first = work(place)
    write_far(place, first, MOST_NEXT_SEQ - 1, WORKER_STOPPED, in_its_place=True)
    assert work(place) == first
    assert place.told.notices == []


@pytest.mark.parametrize("seq", [MOST_NEXT_SEQ + 1, MAX_INTEGER])
def test_an_empty_segment_named_so_is_not_gone_on_with(place, seq):
    first = work(place)
    (place.data / "events" / first / segment_name(seq)).touch()
    assert work(place) != first
    assert len(place.told.notices) == 1


@pytest.mark.parametrize("seq", [MAX_INTEGER - 1, MAX_INTEGER])
def test_a_dead_worker_whose_log_ends_there_harms_nobody(place, seq):
    place.enqueue(1)
    place.boot_id = "boot-2"
    first, _ = place.die_with_leases(1)
    place.boot_id = "boot-1"
    write_far(place, first, seq, WORKER_STOPPED, in_its_place=False)
    assert work(place, 0) != first
    assert place.queue.counts().due == 1


def test_a_torn_line_is_told(place):
    first = work(place)
    (segment,) = (place.data / "events" / first).glob("*.jsonl")
    with segment.open("ab") as file:
        file.write(b'{"event":"job.s')
    assert work(place) == first
    assert "the last line was torn by a crash; its 15 bytes were moved" in place.told.notices[0]


def test_an_own_stream_that_cannot_be_mended_is_left_for_another(place):
    first = work(place)
    place.fs = FaultyFileSystem(faults={("sync_file", 1): errno.EIO})
    own = place.start()
    own.close()
    assert own.name != first
    assert f"stream '{first}' is not gone on with" in place.told.notices[0]


def test_a_stream_that_cannot_be_begun_lets_its_lock_go(place):
    place.fs = FaultyFileSystem(faults={("write_new", 1): errno.ENOSPC})
    with pytest.raises(OSError, match="No space left"):
        place.start()
    (half_made,) = place.streams()
    assert not is_locked(place.data / "events" / half_made / "lock")
    own = place.start()
    own.close()
    assert own.name != half_made


def test_an_error_while_opening_lets_the_lock_go(place, monkeypatch):
    first = work(place)

    def refuse(_stream):
        raise LogWriteError("no")

    monkeypatch.setattr(place.letters, "highest_seq", refuse)
    with pytest.raises(LogWriteError):
        place.start()
    assert not is_locked(place.data / "events" / first / "lock")
