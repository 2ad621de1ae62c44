from __future__ import annotations

import re
import sqlite3
import threading
from contextlib import closing

import pytest

from sync_queue.errors import DuplicateKeyError, InvalidJobError, NewerDatabaseError, QueueError
from sync_queue.jobs import Ending, Enqueued, LeasedJob, NewJob, QueueCounts
from sync_queue.queue import JobQueue
from sync_queue.sql import read_queries
from tests.support.held_clock import HeldClock

A, B = "nas-1-aaaa", "nas-1-bbbb"
NOW = HeldClock().us
SECOND = 1_000_000


@pytest.fixture
def clock():
    return HeldClock()


@pytest.fixture
def queue(tmp_path, clock):
    with JobQueue(tmp_path / "data", clock=clock) as queue:
        yield queue


def add(queue, count=1, **fields):
    return [queue.enqueue(NewJob(number, **fields)) for number in range(count)]


def lose(queue, stream=B, times=1):
    """Claim what is due for a stream that dies, several times over."""
    for _ in range(times):
        queue.claim(stream, 0, 1000)
        queue.release_lost(stream)


def ids(jobs):
    return [job.id for job in jobs]


def pairs(jobs):
    return [(job.id, job.attempt) for job in jobs]


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


class TestEnqueue:
    def test_what_is_claimed_is_what_was_added(self, queue, clock):
        job_id = queue.enqueue(NewJob(7, "artwork", {"path": "/a.mkv"}, "scene_7"))
        clock.move_s(1)
        assert queue.claim(A, 40, 10) == [
            LeasedJob(
                id=job_id,
                kind="artwork",
                scene_id=7,
                data='{"path":"/a.mkv"}',
                job_key="scene_7",
                attempt=1,
                enqueued_at_us=NOW,
                due_at_us=NOW,
                failures=0,
                not_found=0,
                losses=0,
                lease_seq=40,
                retried_from=None,
            )
        ]

    def test_defaults(self, queue):
        queue.enqueue(NewJob(None))
        (job,) = queue.claim(A, 0, 1)
        assert (job.kind, job.scene_id, job.payload(), job.job_key) == ("metadata", None, {}, None)

    @pytest.mark.parametrize(
        "data",
        [
            None,
            [],
            "text",
            {"huge": 2**200, "minus": -(2**64)},
            {"lone": "\udc80\ud800", "nul": "\0", "\udfff": "é\u2028\x7f"},
            [1.5, True, {"a": [None]}],
        ],
    )
    def test_data_comes_back_unchanged(self, queue, data):
        queue.enqueue(NewJob(1, data=data))
        (job,) = queue.claim(A, 0, 1)
        assert job.payload() == data
        assert job.data.isascii()

    def test_text_of_any_script(self, queue):
        queue.enqueue(NewJob(1, kind="métadonnées", job_key="鍵\0'"))
        (job,) = queue.claim(A, 0, 1)
        assert (job.kind, job.job_key) == ("métadonnées", "鍵\0'")

    @pytest.mark.parametrize("scene_id", [2**63 - 1, -(2**63 - 1), 0])
    def test_a_scene_of_64_bits(self, queue, scene_id):
        queue.enqueue(NewJob(scene_id))
        assert queue.claim(A, 0, 1)[0].scene_id == scene_id

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"scene_id": 2**63}, "scene_id"),
            ({"scene_id": True}, "scene_id"),
            ({"scene_id": "7"}, "scene_id"),
            ({"kind": ""}, "kind"),
            ({"kind": 3}, "kind"),
            ({"kind": "\ud800"}, "kind"),
            ({"job_key": 3}, "job_key"),
            ({"job_key": "\ud800"}, "job_key"),
            ({"due_at_us": -1}, "due_at_us"),
            ({"due_at_us": 2**63}, "due_at_us"),
            ({"due_at_us": 1.5}, "due_at_us"),
            ({"data": float("nan")}, "data"),
            ({"data": {"a": object()}}, "data"),
        ],
    )
    def test_what_cannot_be_stored_is_refused(self, queue, fields, named):
        bad = NewJob(**({"scene_id": 1} | fields))
        with pytest.raises(InvalidJobError, match=named):
            queue.enqueue(bad)
        with pytest.raises(InvalidJobError, match=named):
            queue.enqueue_many([NewJob(1), bad])
        with pytest.raises(InvalidJobError, match=named):
            queue.retry_dead("mark", bad)
        assert queue.counts().due == 0

    def test_damaged_data_is_told(self):
        job = LeasedJob(9, "a", 1, "{", None, 1, 0, 0, 0, 0, 0, 0)
        with pytest.raises(InvalidJobError, match="job 9: its stored data is damaged"):
            job.payload()

    def test_ids_are_never_used_again(self, queue):
        (first,) = add(queue)
        queue.claim(A, 0, 1)
        queue.apply(A, [Ending(first, 1, 0)])
        assert add(queue) == [first + 1]

    def test_a_key_is_unique_while_its_job_waits(self, queue):
        first = queue.enqueue(NewJob(1, job_key="k"))
        assert queue.enqueue(NewJob(2, job_key="k")) is None
        assert queue.claim(A, 0, 10)[0].id == first
        assert queue.enqueue(NewJob(3, job_key="k")) is not None
        assert queue.enqueue(NewJob(3, job_key="k")) is None
        assert queue.counts().due == 1

    def test_not_before_its_time(self, queue, clock):
        later, sooner = add(queue, due_at_us=NOW + 2), add(queue, due_at_us=NOW + 1)
        assert queue.claim(A, 0, 10) == []
        clock.us = NOW + 1
        assert ids(queue.claim(A, 0, 10)) == sooner
        clock.us = NOW + 2
        assert ids(queue.claim(A, 0, 10)) == later


class TestEnqueueMany:
    @pytest.mark.parametrize("count", [0, 1, 500, 501, 2500])
    def test_in_their_order(self, queue, count):
        assert queue.enqueue_many(NewJob(n) for n in range(count)) == Enqueued(count, 0)
        assert [job.scene_id for job in queue.claim(A, 0, 5000)] == list(range(count))

    def test_counts_those_whose_key_waits(self, queue):
        queue.enqueue(NewJob(1, job_key="a"))
        keys = ["a", "b", "b", None, None]
        assert queue.enqueue_many([NewJob(n, job_key=key) for n, key in enumerate(keys)]) == (3, 2)

    def test_all_or_none(self, queue):
        def jobs():
            for number in range(1000):
                yield NewJob(number)
            raise InvalidJobError("line 1001: no job")

        with pytest.raises(InvalidJobError, match="line 1001"):
            queue.enqueue_many(jobs())
        assert queue.counts().due == 0

    def test_a_slow_source_keeps_nobody_waiting(self, queue, tmp_path):
        with JobQueue(tmp_path / "data", busy_timeout_s=0.01) as other:

            def jobs():
                for number in range(1200):
                    yield NewJob(number)
                    if number % 400 == 0:
                        assert other.enqueue(NewJob(-1)) is not None

            assert queue.enqueue_many(jobs()).added == 1200
            assert other.counts().due == 1203

    def test_many_large_ones_go_through_a_file(self, queue):
        jobs = [NewJob(number, data="ü" * 8_000) for number in range(600)]
        assert queue.enqueue_many(jobs).added == 600
        claimed = queue.claim(A, 0, 1000)
        assert [job.payload() for job in claimed] == [job.data for job in jobs]
        assert [item.name for item in queue.path.parent.iterdir() if "queue" not in item.name] == []

    def test_no_room_to_set_them_aside(self, queue, monkeypatch):
        import tempfile

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tempfile, "TemporaryFile", full)
        jobs = (NewJob(number, data="a" * 20_000) for number in range(1000))
        with pytest.raises(QueueError, match=r"set aside.*No space left.*in parts"):
            queue.enqueue_many(jobs)
        assert queue.counts().due == 0


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

    def test_those_before_it_go_first(self, queue):
        first, lost, last = (
            queue.enqueue(NewJob(1, due_at_us=due)) for due in (NOW - 1, NOW, NOW + 1)
        )
        queue.claim(A, 0, 1)
        queue.claim(B, 0, 1)
        queue.release_lost(B)
        queue.give_back(A, [(first, 1)])
        queue._clock.us = NOW + 1
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
        assert again == LeasedJob(*_with(one, lease_seq=3))

    def test_interrupt_keeps_the_attempt_and_counts_no_loss(self, queue):
        add(queue)
        (job,) = queue.claim(A, 0, 1)
        assert queue.interrupt(A, [(job.id, 1)]) == 1
        assert queue.claim(A, 3, 9) == [LeasedJob(*_with(job, lease_seq=3, attempt=2))]

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
        assert queue.leases(A) == [LeasedJob(*_with(one, lease_seq=70))]
        assert queue.leases(B) == [two]
        queue.apply(A, [Ending(one.id, 1, 70)])
        assert queue.leases(A) == []


def _with(job, **changes):
    return (changes.get(name, getattr(job, name)) for name in job.__struct_fields__)


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


# What each statement is run with, and how SQLite finds its rows.
PLANS = {
    "due_jobs": ["SEARCH jobs USING INDEX waiting_by_due (due_at_us<?)"],
    "may_claim": [
        "SEARCH meta USING PRIMARY KEY (name=?)",
        "SEARCH jobs USING INDEX leased_alone (leased_by=?)",
    ],
    "holds_lease": ["SEARCH jobs USING COVERING INDEX leased_by_stream (leased_by=?)"],
    "lease": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "end_lease": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "retry_later": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "put_back": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "take_over": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "leases": ["SEARCH jobs USING INDEX leased_by_stream (leased_by=?)"],
}


class TestPlans:
    def plan(self, queue, name):
        text = read_queries("queue")[name]
        values = [0] * (len(set(re.findall(r"\?\d", text))) or text.count("?"))
        with queue._database.read() as connection:
            return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

    @pytest.mark.parametrize("name", PLANS)
    def test_rows_are_found_by_an_index(self, queue, name):
        add(queue, 300)
        plan = self.plan(queue, name)
        assert [step for step in plan if re.search(r" (jobs|meta)\b", step)] == PLANS[name]
        assert not [step for step in plan if "TEMP B-TREE" in step]

    @pytest.mark.parametrize("name", read_queries("queue"))
    def test_no_statement_reads_the_whole_table(self, queue, name):
        for step in self.plan(queue, name):
            assert not re.fullmatch(r"SCAN (jobs|retry_marks|meta|acknowledged)( .*)?", step) or (
                name in {"marks", "leased_streams", "acknowledged"}
            ), step

    def test_every_statement_says_what_it_is_for(self):
        for name, text in read_queries("queue").items():
            first, *rest = text.splitlines()
            assert re.fullmatch(r"-- [A-Z].*\.", first), name
            assert "--" not in "".join(rest)
            assert ";" not in text


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
