from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from sync_queue.companions import Companions, KnownLetters, KnownStream
from sync_queue.errors import QueueError
from sync_queue.jobs import Ending, NewJob
from sync_queue.queue import JobQueue
from sync_queue.sql import migrations_folder, statements
from tests.support.queued import add

MAX = 2**63 - 1


def known(queue) -> Companions:
    return queue.companions


def work(queue, stream="s", first_seq=1, dead=()):
    """Let a stream claim what is due, and apply an outcome of each."""
    jobs = queue.claim(stream, first_seq, 1000)
    endings = [
        Ending(job.id, job.attempt, first_seq + place, dead=place in dead)
        for place, job in enumerate(jobs)
    ]
    queue.apply(stream, endings)


class TestStreams:
    def test_nothing_is_known_at_first(self, queue):
        assert known(queue).streams() == {}
        assert known(queue).stream("s") == KnownStream("s", 0, 0, 0, None)
        assert not known(queue).is_unmarked()

    def test_outcomes_are_acknowledged_with_the_jobs_that_they_end(self, queue):
        add(queue, 3)
        work(queue, dead={1})
        assert known(queue).streams() == {"s": KnownStream("s", 4, 3)}
        assert known(queue).stream("s") == KnownStream("s", 4, 3)

    def test_a_claim_alone_acknowledges_nothing(self, queue):
        add(queue)
        queue.claim("s", 7, 1)
        assert known(queue).streams() == {}

    def test_what_is_applied_again_lowers_nothing(self, queue):
        queue.apply("s", [Ending(1, 1, 9, dead=True), Ending(2, 1, 8)])
        queue.apply("s", [Ending(1, 1, 3, dead=True)])
        assert known(queue).stream("s") == KnownStream("s", 10, 10)

    def test_the_largest_number_has_no_next_one(self, queue):
        queue.apply("s", [Ending(1, 1, MAX, dead=True)])
        assert known(queue).stream("s") == KnownStream("s", MAX, MAX)

    def test_what_is_undone_is_not_acknowledged(self, queue):
        with pytest.raises(QueueError, match="64 bits"):
            queue.apply("s", [Ending(1, 1, 3, retry_at_us=2**64)])
        assert known(queue).streams() == {}

    def test_an_end_that_was_told_is_remembered(self, queue):
        queue.apply("s", [Ending(1, 1, 9)])
        known(queue).tell_end("s", 4)
        assert known(queue).stream("s") == KnownStream("s", 10, 0, 0, 4)
        known(queue).tell_end("s", None)
        assert known(queue).stream("s") == KnownStream("s", 10)

    def test_a_log_that_was_compared_is_remembered_and_not_taken_for_applied(self, queue):
        queue.apply("s", [Ending(1, 1, 9)])
        known(queue).looked({})
        known(queue).looked({"s": 12, "t": 4})
        known(queue).looked({"s": 11})
        assert known(queue).streams() == {
            "s": KnownStream("s", 10, 0, 12),
            "t": KnownStream("t", 0, 0, 4),
        }

    def test_an_end_is_noted_and_changes_nothing_else(self, queue):
        queue.apply("s", [Ending(1, 1, 9, dead=True)])
        known(queue).looked({"s": 4})
        known(queue).note_end("s", 12)
        assert known(queue).stream("s") == KnownStream("s", 12, 10, 4)
        known(queue).note_end("s", 11)
        assert known(queue).stream("s").next_seq == 12

    def test_ends_beyond_the_numbers_are_bound_as_the_largest(self, queue):
        known(queue).looked({"s": MAX + 1})
        known(queue).tell_end("s", 10**20)
        assert known(queue).stream("s") == KnownStream("s", 0, 0, MAX, MAX)
        known(queue).take_as_applied([KnownStream("s", MAX + 1, MAX + 1)])
        known(queue).begin_anew("new", [KnownStream("t", MAX + 1, MAX + 1)], 0)
        assert known(queue).stream("t") == KnownStream("t", MAX, MAX)
        before = known(queue).stream("s")
        known(queue).letters_are_whole("a", {before: MAX + 1})
        assert known(queue).stream("s") == KnownStream("s", MAX, MAX, MAX, MAX)


class TestQueueOfBefore:
    @pytest.fixture
    def before(self, tmp_path):
        """A file that has been in use, as the first version of its tables was."""
        script = (migrations_folder("queue") / "0001_jobs.sql").read_text()
        JobQueue(tmp_path).close()
        path = tmp_path / "queue.db"
        with closing(sqlite3.connect(path)) as connection:
            (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        for file in tmp_path.glob("queue.db*"):
            file.unlink()
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements(script):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('queue_id', 'before')")
            connection.execute("INSERT INTO jobs (kind, data, enqueued_at_us, due_at_us)"
                               " VALUES ('m', '{}', 0, 0)")  # fmt: skip
            connection.execute(f"PRAGMA application_id = {application_id}")
            connection.execute("PRAGMA user_version = 1")
        return tmp_path

    def test_it_is_unmarked_until_its_logs_are_taken_as_applied(self, before):
        with JobQueue(before) as queue:
            assert queue.queue_id == "before"
            assert queue.counts().due == 1
            assert known(queue).is_unmarked()
            known(queue).take_as_applied([KnownStream("s", 5, 3)])
            assert not known(queue).is_unmarked()
            assert known(queue).streams() == {"s": KnownStream("s", 5, 3)}
        with JobQueue(before) as again:
            assert not known(again).is_unmarked()


class TestBeginAnew:
    def test_it_has_another_id_for_all_who_ask(self, queue):
        with JobQueue(queue.path.parent) as other:
            assert other.queue_id != "new"
            known(queue).begin_anew("new", [KnownStream("s", 5, 3)], 0)
            assert other.queue_id == queue.queue_id == "new"
        assert known(queue).streams() == {"s": KnownStream("s", 5, 3)}

    def test_jobs_wait_as_before(self, queue):
        add(queue, 2)
        known(queue).begin_anew("new", [], 0)
        assert [job.id for job in queue.claim("s", 0, 9)] == [1, 2]

    @pytest.mark.parametrize("before", [0, 3])
    def test_no_job_gets_an_id_that_was_used(self, queue, before):
        add(queue, before)
        known(queue).begin_anew("new", [], 70)
        assert queue.enqueue(NewJob(1)) == 71

    def test_ids_are_never_lowered(self, queue):
        add(queue, 3)
        known(queue).begin_anew("new", [], 2)
        assert queue.enqueue(NewJob(1)) == 4

    def test_some_ids_are_always_left(self, queue):
        known(queue).begin_anew("new", [], MAX)
        assert add(queue, 2) == [2**62, 2**62 + 1]


class TestLetters:
    def test_no_file_is_known_at_first(self, queue):
        assert known(queue).letters() == KnownLetters(None, behind=False)

    def test_the_file_is_remembered_and_what_is_missing_stays_missing(self, queue):
        known(queue).note_letters("a", behind=False)
        assert known(queue).letters() == KnownLetters("a", behind=False)
        known(queue).note_letters("b", behind=True)
        known(queue).note_letters("b", behind=False)
        assert known(queue).letters() == KnownLetters("b", behind=True)

    def test_what_was_put_back_is_missing_no_more(self, queue):
        queue.apply("s", [Ending(1, 1, 9, dead=True)])
        queue.apply("t", [Ending(1, 1, 9, dead=True)])
        known(queue).note_letters("a", behind=True)
        before = known(queue).streams()
        queue.apply("t", [Ending(1, 1, 11, dead=True)])  # a worker goes on meanwhile
        known(queue).letters_are_whole("a", dict.fromkeys(before.values(), 4))
        assert known(queue).letters() == KnownLetters("a", behind=False)
        assert [each.next_dead for each in known(queue).streams().values()] == [4, 12]
