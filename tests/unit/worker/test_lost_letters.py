from __future__ import annotations

import shutil
from contextlib import ExitStack, closing

import pytest

from events.filesystem import RealFileSystem
from events.model import Failed
from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue
from tests.support.data_folders import event, write_log
from tests.support.log_folders import compress
from tests.support.restoring import lose
from tests.support.workers import Dies, DyingAt, Place
from worker.errors import PermanentError
from worker.lost_letters import lost_letters, put_back
from worker.recorder import Ended

FS = RealFileSystem()


def work(data, jobs):
    """Let so many jobs die, each second one a death of its own."""

    def handle(job):
        if job.scene_id % 2:
            raise PermanentError(f"no {job.scene_id}")

    with closing(Place(data)) as place:
        place.enqueue(jobs)
        place.worker(handle).run()
        return letters_of(data)


def letters_of(data):
    """All that a letter says but its id, its job and how often it failed."""
    return sorted(
        (each.job_id, each.scene_id, each.error_type, each.error_message, each.failed_at_us,
         each.stream, each.seq)
        for each in DeadLetterQueue(data).list()
    )  # fmt: skip


def count_lost_letters(data):
    """How many dead letters `dlq.db` lacks that the log tells of; no file is made for it."""
    with ExitStack() as stack:
        queue = letters = None
        if (data / "queue.db").exists():
            queue = stack.enter_context(JobQueue(data))
        if (data / "dlq.db").exists():
            letters = stack.enter_context(DeadLetterQueue(data, keep_open=True))
        return sum(map(len, lost_letters(data, letters, queue, FS)))


def restore(data):
    with closing(Place(data)) as place:
        return [each for some in put_back(data, place.letters, place.queue, FS) for each in some]


def test_a_lost_file_is_made_again_but_for_the_jobs(data):
    before = work(data, 5)
    traces = [
        DeadLetterQueue(data).get(each.id).stack_trace for each in DeadLetterQueue(data).list()
    ]
    lose(data, "dlq.db")
    assert count_lost_letters(data) == 3
    assert not (data / "dlq.db").exists()
    assert len(restore(data)) == 3
    assert letters_of(data) == before
    letters = DeadLetterQueue(data)
    assert [letters.get(each.id).stack_trace for each in letters.list()] == traces
    assert {(each.from_log, each.retry_count) for each in letters.list()} == {(True, None)}
    assert {letters.get(each.id).job for each in letters.list()} == {None}
    assert count_lost_letters(data) == 0
    assert restore(data) == []


def test_what_is_there_or_was_deleted_stays_as_it_is(data):
    work(data, 5)
    letters = DeadLetterQueue(data)
    shutil.copy(data / "dlq.db", data / "saved")
    letters.purge(1)
    letters.retry(2)
    assert count_lost_letters(data) == 0
    assert restore(data) == []
    assert [each.from_log for each in letters.list()] == [False]
    lose(data, "dlq.db")
    shutil.move(data / "saved", data / "dlq.db")
    work(data, 1)
    assert restore(data) == []


def test_only_what_an_older_file_lacks_is_put_back(data):
    work(data, 2)
    shutil.copy(data / "dlq.db", data / "saved")
    before = work(data, 4)
    lose(data, "dlq.db")
    shutil.move(data / "saved", data / "dlq.db")
    assert len(restore(data)) == 2
    assert letters_of(data) == before
    assert [each.from_log for each in DeadLetterQueue(data).list()] == [True, True, False]


def test_without_a_queue(data):
    before = work(data, 3)
    lose(data, "dlq.db")
    lose(data, "queue.db")
    assert count_lost_letters(data) == 2
    letters = DeadLetterQueue(data)
    assert [len(some) for some in put_back(data, letters, None, FS)] == [2]
    assert letters_of(data) == before


def dying(place, part, call, *, after):
    """Let a worker record that a job died, and die itself before the queue hears of it."""
    place.enqueue(1)
    own = place.start(**{part: DyingAt(getattr(place, part), call, after=after)})
    (job,) = place.queue.claim(own.name, own.recorder.next_seq, 1)
    own.recorder.add(Ended(job, Failed(job_id=job.id, kind="m", attempt=1, error_type="E",
                                       to_dlq=True)))  # fmt: skip
    with pytest.raises(Dies):
        own.recorder.commit()
    return own


def test_an_outcome_that_a_worker_has_yet_to_tell_of_is_not_missing(data):
    with closing(Place(data)) as place:
        own = dying(place, "letters", "insert", after=False)
        assert list(lost_letters(data, place.letters, place.queue, FS)) == []
        own.close()
        assert restore(data) == []
        place.start().close()  # takes over
        (letter,) = place.letters.list()
        assert not letter.from_log
        assert place.letters.get(letter.id).job["job_id"] == 1


def test_a_letter_put_back_too_early_is_given_its_job_by_the_take_over(data):
    with closing(Place(data)) as place:
        dying(place, "letters", "insert", after=False).close()
        assert len([*put_back(data, place.letters, None, FS)]) == 1
        assert place.letters.list()[0].from_log
        place.start().close()
        (letter,) = place.letters.list()
        assert (letter.from_log, letter.retry_count) == (False, 1)
        assert place.letters.retry(letter.id, queue=place.queue)[0].outcome == "retried"


def test_workers_are_told_no_more_that_letters_are_missing(data):
    work(data, 3)
    lose(data, "dlq.db")
    with closing(Place(data)) as place:
        place.start().close()
        assert "lacks dead letters" in place.told.notices[0]
    restore(data)
    with closing(Place(data)) as place:
        place.start().close()
        assert place.told.notices == []


def test_nor_where_the_log_does_not_hold_them_either(data):
    work(data, 3)
    with closing(Place(data, boot_id="another")) as place:
        place.start().close()
    lose(data, "dlq.db")
    (segment,) = data.glob("events/*/*0.jsonl")
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:2]))
    assert restore(data) == []
    with closing(Place(data)) as place:
        place.start().close()
        assert [text for text in place.told.notices if "dead letters that" in text] == []


def test_many_lines_in_several_segments_some_again_some_compressed(data):
    dead = [event(seq, "job.failed", to_dlq=True, error_type="E") for seq in range(1200)]
    compressed = write_log(data, *dead[:700])
    write_log(data, *dead[600:], event(1200), first=600)
    compress(compressed)
    write_log(data, event(0, "job.failed", stream="b", error_type="F"), stream="b")
    del (nameless := event(0, "job.failed", stream="c", to_dlq=True))["job_id"]
    write_log(data, nameless, stream="c")
    assert count_lost_letters(data) == 1201
    letters = DeadLetterQueue(data)
    sizes = [len(some) for some in put_back(data, letters, None, FS)]
    assert sum(sizes) == 1201
    assert max(sizes) <= 500
    assert len({(each.stream, each.seq) for each in letters.list()}) == 1201
    assert count_lost_letters(data) == 0


def test_the_secrets_of_a_log_are_masked(data):
    write_log(data, event(0, "job.failed", to_dlq=True, error="X-Plex-Token=abc123xyz"))
    for _ in put_back(data, DeadLetterQueue(data), None, FS):
        pass
    assert b"abc123xyz" not in (data / "dlq.db").read_bytes()
