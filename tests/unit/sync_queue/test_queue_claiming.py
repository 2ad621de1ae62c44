"""Jobs that are claimed: in their order, while it is not paused, and alone after a loss."""

from __future__ import annotations

import threading

import pytest

from sync_queue.jobs import Ending, NewJob, QueueCounts
from tests.support.queued import NOW, A, B, add, ids, lose


class TestClaim:
    def test_by_time_due_then_id(self, queue, clock):
        dues = [3, 1, 2, 1, 3]
        added = [queue.enqueue(NewJob(1, due_at_us=NOW + due)) for due in dues]
        clock.us = NOW + 9
        expected = [added[place] for place in (1, 3, 2, 0, 4)]
        assert ids(queue.claim(A, 0, 2)) == expected[:2]
        assert ids(queue.claim(B, 0, 9)) == expected[2:]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_no_more_than_asked(self, queue, limit):
        add(queue, 2)
        assert queue.claim(A, 0, limit) == []

    def test_none_while_paused(self, queue):
        add(queue)
        queue.pause()
        queue.pause()
        assert queue.is_paused()
        assert queue.claim(A, 0, 1) == []
        queue.resume()
        queue.resume()
        assert not queue.is_paused()
        assert len(queue.claim(A, 0, 1)) == 1

    def test_pause_lets_endings_through(self, queue):
        add(queue, 2)
        (job,) = queue.claim(A, 0, 1)
        queue.pause()
        assert queue.apply(A, [Ending(job.id, 1, 0)], claim=1, next_seq=1) == []
        assert queue.counts() == QueueCounts(1, 0, None, 0, paused=True)

    def test_threads_share_one_queue(self, queue):
        add(queue, 200)
        taken = []

        def work():
            while jobs := queue.claim(A, 0, 7):
                taken.extend(ids(jobs))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == list(range(1, 201))


class TestAlone:
    """A job that was leased when its worker died."""

    def test_is_claimed_alone_from_then_on(self, queue):
        lost, other = add(queue, 2, due_at_us=NOW)
        queue.claim(B, 0, 1)
        assert queue.release_lost(B) == 1
        (job,) = queue.claim(A, 0, 10)
        assert (job.id, job.losses, job.attempt) == (lost, 1, 2)
        assert queue.claim(A, 0, 10) == []  # nothing beside it
        assert ids(queue.claim(B, 0, 10)) == [other]  # other streams go on
        assert queue.apply(A, [Ending(lost, 2, 0)], claim=1, next_seq=1) == []

    def test_after_it_has_ended_the_rest_follows(self, queue):
        lost, *others = add(queue, 3)
        queue.claim(B, 0, 1)
        queue.release_lost(B)
        queue.claim(A, 0, 10)
        assert ids(queue.apply(A, [Ending(lost, 2, 0)], claim=10, next_seq=1)) == others

    def test_waits_for_a_stream_that_holds_something(self, queue, clock):
        add(queue)
        (busy,) = queue.claim(A, 0, 1)
        lost, behind = add(queue, 2)
        queue.claim(B, 0, 1)
        queue.release_lost(B)
        assert queue.claim(A, 5, 10) == []  # head of the line: nothing overtakes it
        clock.move_s(1)
        assert ids(queue.apply(A, [Ending(busy.id, 1, 5)], claim=10, next_seq=6)) == [lost]
        assert ids(queue.apply(A, [Ending(lost, 2, 6)], claim=10, next_seq=7)) == [behind]

    def test_those_before_it_go_first(self, queue, clock):
        first, lost, last = (
            queue.enqueue(NewJob(1, due_at_us=due)) for due in (NOW - 1, NOW, NOW + 1)
        )
        queue.claim(A, 0, 1)
        queue.claim(B, 0, 1)
        queue.release_lost(B)
        queue.give_back(A, [(first, 1)])
        clock.us = NOW + 1
        assert ids(queue.claim(A, 0, 10)) == [first]
        assert queue.leases(A)[0].losses == 0
        assert ids(queue.claim(B, 0, 10)) == [lost]
        assert ids(queue.claim(A, 0, 10)) == [last]

    def test_each_loss_in_a_row_is_counted(self, queue):
        add(queue)
        lose(queue, times=2)
        (job,) = queue.claim(A, 0, 1)
        assert (job.losses, job.attempt, job.failures, job.not_found) == (2, 3, 0, 0)

    def test_a_recorded_failure_ends_the_row(self, queue):
        (job_id,) = add(queue)
        lose(queue, times=2)
        queue.claim(A, 0, 1)
        queue.apply(A, [Ending(job_id, 3, 0, retry_at_us=NOW)])
        (job,) = queue.claim(A, 1, 1)
        assert (job.losses, job.failures) == (0, 1)
