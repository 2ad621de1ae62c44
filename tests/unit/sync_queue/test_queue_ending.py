"""Leases that end: by an outcome, given back, lost, or taken over."""

from __future__ import annotations

import pytest

from sync_queue.errors import QueueError
from sync_queue.jobs import Ending, NewJob, QueueCounts
from sync_queue.queue import JobQueue
from tests.support.queued import NOW, SECOND, A, B, add, changed, ids, lose, pairs


class TestApply:
    def test_ended_for_good(self, queue):
        add(queue, 2)
        jobs = queue.claim(A, 10, 2)
        assert queue.apply(A, [Ending(job.id, 1, 10 + n) for n, job in enumerate(jobs)]) == []
        assert queue.counts() == QueueCounts(0, 0, None, 0, paused=False)

    @pytest.mark.parametrize(("policy", "counted"), [("transient", (1, 0)), ("not_found", (0, 1))])
    def test_to_be_retried(self, queue, clock, policy, counted):
        (job_id,) = add(queue)
        queue.claim(A, 0, 1)
        ending = Ending(job_id, 1, 0, NOW + SECOND, policy)
        assert queue.apply(A, [ending], claim=1, next_seq=1) == []
        assert queue.counts() == QueueCounts(0, 1, NOW + SECOND, 0, paused=False)
        clock.move_s(1)
        (job,) = queue.claim(A, 1, 1)
        assert (job.attempt, job.failures, job.not_found) == (2, *counted)
        assert (job.due_at_us, job.enqueued_at_us) == (NOW + SECOND, NOW)

    def test_again_changes_nothing(self, queue):
        add(queue, 2)
        gone, again = queue.claim(A, 0, 2)
        endings = [Ending(again.id, 1, 1, retry_at_us=NOW), Ending(gone.id, 1, 0)]
        for _ in range(3):
            queue.apply(A, endings + endings[::-1])
        (job,) = queue.claim(A, 2, 9)
        assert (job.id, job.failures) == (again.id, 1)
        queue.apply(A, endings)
        assert ids(queue.leases(A)) == [again.id]

    @pytest.mark.parametrize(
        ("stream", "attempt", "seq"),
        [(B, 1, 7), (A, 0, 7), (A, 2, 7), (A, 1, 6)],
        ids=["other stream", "older attempt", "newer attempt", "outcome before the lease"],
    )
    @pytest.mark.parametrize("retry_at_us", [None, NOW])
    def test_of_another_lease_changes_nothing(self, queue, stream, attempt, seq, retry_at_us):
        add(queue)
        (job,) = queue.claim(A, 7, 1)
        queue.apply(stream, [Ending(job.id, attempt, seq, retry_at_us)])
        assert queue.leases(A) == [job]
        queue.apply(A, [Ending(job.id, 1, 7, retry_at_us)])
        assert queue.leases(A) == []

    def test_a_waiting_job_has_no_ending(self, queue):
        (job_id,) = add(queue)
        queue.apply(A, [Ending(job_id, 0, 0)])
        assert queue.counts().due == 1

    def test_a_retry_whose_key_waits_again_is_dropped(self, queue):
        old = queue.enqueue(NewJob(1, job_key="k"))
        queue.claim(A, 0, 1)
        new = queue.enqueue(NewJob(2, job_key="k"))
        queue.apply(A, [Ending(old, 1, 0, retry_at_us=NOW)])
        assert queue.leases(A) == []
        assert ids(queue.claim(A, 1, 9)) == [new]

    @pytest.mark.parametrize("order", [1, -1])
    def test_of_two_retries_with_one_key_the_newer_stays(self, queue, order):
        old = queue.enqueue(NewJob(1, job_key="k"))
        queue.claim(A, 0, 1)
        new = queue.enqueue(NewJob(2, job_key="k"))
        queue.claim(A, 0, 1)
        endings = [Ending(job_id, 1, 0, retry_at_us=NOW) for job_id in (old, new)]
        queue.apply(A, endings[::order])
        assert ids(queue.claim(A, 1, 9)) == [new]

    def test_a_new_queue_takes_nothing_from_an_old_log(self, tmp_path):
        with JobQueue(tmp_path) as queue:
            add(queue)
            (job,) = queue.claim(A, 100, 1)
            queue.apply(A, [Ending(job.id, 1, 100)])
        (tmp_path / "queue.db").unlink()
        with JobQueue(tmp_path) as queue:
            assert add(queue) == [job.id]
            (again,) = queue.claim(A, 101, 1)
            queue.apply(A, [Ending(job.id, 1, 100)])
            assert queue.leases(A) == [again]

    def test_nothing_is_done_by_halves(self, queue):
        add(queue, 2)
        one, two = queue.claim(A, 0, 2)
        with pytest.raises(QueueError, match="beyond 64 bits"):
            queue.apply(A, [Ending(one.id, 1, 0), Ending(two.id, 1, 2**64)])
        assert queue.leases(A) == [one, two]


class TestReleasing:
    def test_give_back_uses_up_no_attempt(self, queue):
        add(queue, 2)
        one, two = queue.claim(A, 0, 2)
        assert queue.give_back(A, [(one.id, 1)]) == 1
        assert queue.leases(A) == [two]
        (again,) = queue.claim(A, 3, 9)
        assert again == changed(one, lease_seq=3)

    def test_interrupt_keeps_the_attempt_and_counts_no_loss(self, queue):
        add(queue)
        (job,) = queue.claim(A, 0, 1)
        assert queue.interrupt(A, [(job.id, 1)]) == 1
        assert queue.claim(A, 3, 9) == [changed(job, lease_seq=3, attempt=2)]

    def test_losses_stay(self, queue):
        add(queue)
        lose(queue)
        for release in (queue.give_back, queue.interrupt):
            (job,) = queue.claim(A, 0, 1)
            release(A, [(job.id, job.attempt)])
            assert job.losses == 1

    @pytest.mark.parametrize("release", ["give_back", "interrupt"])
    def test_leases_that_are_no_more_are_left(self, queue, release):
        add(queue)
        (job,) = queue.claim(A, 0, 1)
        call = getattr(queue, release)
        assert call(B, [(job.id, 1)]) == call(A, [(job.id, 2), (99, 1)]) == call(A, []) == 0
        assert queue.leases(A) == [job]

    def test_all_that_a_dead_stream_holds(self, queue):
        add(queue, 3)
        queue.claim(B, 0, 2)
        kept = queue.claim(A, 0, 1)
        assert queue.release_lost(B) == 2
        assert queue.release_lost(B) == 0
        assert queue.leases(A) == kept
        assert queue.leases(B) == []

    @pytest.mark.parametrize("release", ["give_back", "interrupt", "release_lost"])
    def test_whose_key_waits_again_is_dropped(self, queue, release):
        for _ in range(2):
            queue.enqueue(NewJob(1, job_key="k"))
            queue.enqueue(NewJob(1, job_key=None))
            queue.claim(A, 0, 2)
        held = pairs(queue.leases(A))
        newest = held[2][0]
        given = () if release == "release_lost" else (held,)
        assert getattr(queue, release)(A, *given) == 4
        assert queue.counts().due == 3
        assert queue.enqueue(NewJob(1, job_key="k")) is None
        left = []
        while jobs := queue.claim(A, 0, 1):
            left += ids(jobs)
            queue.apply(A, [Ending(job.id, job.attempt, 0) for job in jobs])
        assert newest in left

    def test_take_over_moves_one_lease(self, queue):
        add(queue, 2)
        one, two = queue.claim(B, 5, 2)
        assert queue.take_over(one.id, 1, B, A, 70)
        assert not queue.take_over(one.id, 1, B, A, 71)
        assert not queue.take_over(two.id, 2, B, A, 71)
        assert queue.leases(A) == [changed(one, lease_seq=70)]
        assert queue.leases(B) == [two]
        queue.apply(A, [Ending(one.id, 1, 70)])
        assert queue.leases(A) == []
