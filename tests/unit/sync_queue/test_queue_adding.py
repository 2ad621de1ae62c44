"""Jobs that are added to the queue, one at a time and many at once."""

from __future__ import annotations

import json
import tempfile

import pytest

from sync_queue.errors import InvalidJobError, QueueError
from sync_queue.jobs import Ending, Enqueued, LeasedJob, NewJob
from sync_queue.queue import JobQueue
from tests.support.queued import NOW, A, add, ids


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

    @pytest.mark.parametrize("text", ["[1]", ' {"a": "\\ud800"} ', "1\n", b'{"a": 1}'])
    def test_data_that_something_else_has_stored_is_read_as_json(self, text):
        assert LeasedJob(9, "a", 1, text, None, 1, 0, 0, 0, 0, 0, 0).payload() == json.loads(text)

    @pytest.mark.parametrize("text", ["", " ", "{", "1x", "[1]]", b"[1]x", "[" * 100_000])
    def test_what_is_no_json_value_alone_is_damaged(self, text):
        with pytest.raises(InvalidJobError, match="damaged"):
            LeasedJob(9, "a", 1, text, None, 1, 0, 0, 0, 0, 0, 0).payload()

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
        with JobQueue(tmp_path, busy_timeout_s=0.01) as other:

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
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(tempfile, "TemporaryFile", full)
        jobs = (NewJob(number, data="a" * 20_000) for number in range(1000))
        with pytest.raises(QueueError, match=r"set aside.*No space left.*in parts"):
            queue.enqueue_many(jobs)
        assert queue.counts().due == 0
