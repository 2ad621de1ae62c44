"""The queue as a file: opened, named, asked what is in it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing

import pytest

from sync_queue.errors import DuplicateKeyError, NewerDatabaseError, QueueError
from sync_queue.jobs import Ending, NewJob, QueueCounts
from sync_queue.queue import JobQueue
from tests.support.queued import NOW, A, B, add


class TestOpening:
    def test_has_a_random_id_that_stays(self, tmp_path):
        with JobQueue(tmp_path) as queue:
            assert re.fullmatch(r"[0-9a-f]{16}", queue.queue_id)
            queue_id = queue.queue_id
            with JobQueue(str(tmp_path)) as again:
                assert again.queue_id == queue_id
                assert again.path == queue.path == tmp_path / "queue.db"
        (tmp_path / "queue.db").unlink()
        with JobQueue(tmp_path) as anew:
            assert anew.queue_id != queue_id

    def test_the_first_process_names_it(self, tmp_path):
        def slow():
            with JobQueue(tmp_path, new_id=lambda: "first"):
                return "second"

        with JobQueue(tmp_path, new_id=slow) as queue:
            assert queue.queue_id == "first"

    def test_leaves_nothing_open_when_naming_fails(self, tmp_path):
        with pytest.raises(ZeroDivisionError):
            JobQueue(tmp_path, new_id=lambda: 1 // 0)
        assert [item.name for item in tmp_path.iterdir()] == ["queue.db"]

    def test_a_newer_file(self, tmp_path):
        JobQueue(tmp_path).close()
        with closing(sqlite3.connect(tmp_path / "queue.db")) as connection:
            connection.execute("PRAGMA user_version = 1000")
        with pytest.raises(NewerDatabaseError, match=r"queue\.db.*use the newer syncstats"):
            JobQueue(tmp_path)

    def test_closed(self, queue):
        queue.close()
        with pytest.raises(QueueError, match="has been closed"):
            queue.counts()


class TestAsking:
    def test_who_holds_what_since_when(self, queue):
        assert queue.leased_streams() == []
        assert queue.highest_lease_seq(A) is None
        add(queue, 4)
        queue.claim(B, 0, 1)
        first = queue.claim(A, 9, 2)
        last = queue.claim(A, 4, 1)
        assert queue.leased_streams() == [A, B]
        assert queue.highest_lease_seq(A) == 9
        assert queue.leases(A) == last + first
        assert queue.leases("nobody") == []

    def test_counts(self, queue, clock):
        add(queue, 5)
        for due in (NOW + 20, NOW + 10):
            queue.enqueue(NewJob(1, due_at_us=due))
        queue.claim(A, 0, 2)
        assert queue.counts() == QueueCounts(3, 2, NOW + 10, 2, paused=False)
        clock.us = NOW + 10
        assert queue.counts() == QueueCounts(4, 1, NOW + 20, 2, paused=False)

    @pytest.mark.parametrize("stream", ["\ud800", 2**64])
    def test_values_that_have_no_place_in_a_database(self, queue, stream):
        for call in (
            lambda: queue.leases(stream),
            lambda: queue.release_lost(stream),
            lambda: queue.give_back(stream, [(1, 1)]),
            lambda: queue.take_over(1, 1, stream, A, 0),
            lambda: queue.claim(stream, 0, 1),
            lambda: queue.retry_dead(stream, NewJob(1)),
        ):
            with pytest.raises(QueueError, match="beyond 64 bits or text without UTF-8"):
                call()


class TestRetryDead:
    def test_once_however_often_it_is_asked(self, queue):
        job_id = queue.retry_dead("dlq:5", NewJob(3))
        assert queue.retry_dead("dlq:5", NewJob(3)) is None
        (job,) = queue.claim(A, 0, 9)
        assert (job.id, job.retried_from) == (job_id, "dlq:5")
        queue.apply(A, [Ending(job.id, 1, 0)])
        assert queue.retry_dead("dlq:5", NewJob(3)) is None  # also when it has ended
        assert queue.marks() == ["dlq:5"]

    def test_until_the_dead_letter_is_gone(self, queue):
        queue.retry_dead("dlq:5", NewJob(3))
        queue.retry_dead("dlq:4", NewJob(3))
        queue.retry_dead("dlq:3", NewJob(3))
        queue.forget_marks(["dlq:5", "dlq:3"])
        queue.forget_marks(["dlq:5"])
        queue.forget_marks([])
        assert queue.marks() == ["dlq:4"]

    def test_refused_while_its_key_waits(self, queue):
        queue.enqueue(NewJob(3, job_key="k\x9b"))
        with pytest.raises(DuplicateKeyError, match=r"key 'k\\x9b' waits already"):
            queue.retry_dead("dlq:5", NewJob(3, job_key="k\x9b"))
        assert queue.marks() == []
        assert queue.counts().due == 1
