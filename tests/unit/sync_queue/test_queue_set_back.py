"""Jobs that were due before the clock was set back."""

from __future__ import annotations

from sync_queue.jobs import Ending
from tests.support.queued import NOW, SECOND, A, add, ids


class TestClockSetBack:
    YEAR = 365 * 86_400 * SECOND

    def test_a_job_that_is_added_while_the_write_lock_is_waited_for_is_no_sign_of_it(
        self, queue, clock, monkeypatch
    ):
        transaction = queue._database.transaction

        def waited_for():
            monkeypatch.setattr(queue._database, "transaction", transaction)
            clock.move_s(1)
            add(queue)  # as another process does, which has the lock just then
            return transaction()

        monkeypatch.setattr(queue._database, "transaction", waited_for)
        assert queue.bring_forward(self.YEAR) == 0

    def test_what_was_due_is_due_again(self, queue, clock):
        add(queue, 2)
        clock.us = NOW - 86_400 * SECOND
        assert queue.counts().scheduled == 2
        assert queue.bring_forward(self.YEAR) == 2
        assert queue.bring_forward(self.YEAR) == 0
        assert queue.counts().due == 2
        first, second = queue.claim(A, 0, 2)
        assert (first.enqueued_at_us, first.due_at_us) == (clock.us, clock.us)
        assert (first.id, second.id) == (1, 2)

    def test_what_was_scheduled_for_later_waits_as_long_as_it_would_have(self, queue, clock):
        add(queue, due_at_us=NOW + 9 * SECOND)
        clock.us = NOW - 86_400 * SECOND
        assert queue.bring_forward(self.YEAR) == 1
        assert queue.counts().next_due_at_us == clock.us + 9 * SECOND

    def test_what_waits_rightly_is_left(self, queue, clock):
        add(queue, due_at_us=NOW + 2 * self.YEAR)
        add(queue)
        queue.claim(A, 0, 1)
        queue.apply(A, [Ending(2, 1, 0, retry_at_us=NOW + self.YEAR)])
        assert queue.bring_forward(self.YEAR) == 0
        clock.us -= SECOND  # set back by less than it had run since they were added
        assert queue.counts().scheduled == 2

    def test_a_retry_beyond_the_longest_wait_is_due(self, queue):
        add(queue)
        queue.claim(A, 0, 1)
        queue.apply(A, [Ending(1, 1, 0, retry_at_us=NOW + self.YEAR + 1)])
        assert queue.bring_forward(self.YEAR) == 1
        assert ids(queue.claim(A, 0, 9)) == [1]

    def test_what_is_leased_is_left(self, queue, clock):
        add(queue)
        queue.claim(A, 0, 1)
        clock.us = NOW - SECOND
        assert queue.bring_forward(self.YEAR) == 0
        assert queue.leases(A)[0].due_at_us == NOW
