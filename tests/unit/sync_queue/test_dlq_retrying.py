"""Dead letters become jobs again."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from sync_queue.connection import Database
from sync_queue.dlq import DeadLetterQueue
from sync_queue.errors import QueueError
from sync_queue.jobs import Ending, NewJob
from sync_queue.queue import JobQueue
from tests.support.dead_letters import JOB, LETTER, predecessors_file, sql, waiting


def test_a_retry_is_a_new_job_that_tells_where_it_came_from(dlq, queue):
    dlq.insert([LETTER])
    (result,) = dlq.retry(1, queue=queue)
    (job,) = waiting(queue)
    assert (result.id, result.outcome, result.job_id) == (1, "retried", job.id)
    assert job.retried_from == f"{dlq.dlq_id}:1"
    assert (job.kind, job.scene_id, job.payload(), job.job_key) == (
        *("metadata", 7, JOB["data"], "scene_7"),
    )
    assert dlq.get_count() == 0
    assert queue.marks() == []
    assert dlq.retry(1, queue=queue)[0].outcome == "missing"


def test_a_retry_finds_the_data_folders_queue_itself(dlq, tmp_path):
    dlq.insert([LETTER])
    assert dlq.retry(1)[0].outcome == "retried"
    with JobQueue(tmp_path) as queue:
        assert len(waiting(queue)) == 1


def test_letters_are_retried_by_type_or_all(dlq, queue):
    jobs = [
        replace(LETTER, seq=seq, error_type="AB"[seq % 2], job={"scene_id": seq})
        for seq in range(5)
    ]
    dlq.insert(jobs)
    assert [result.id for result in dlq.retry(error_type="B", queue=queue)] == [2, 4]
    assert [result.id for result in dlq.retry(everything=True, queue=queue)] == [1, 3, 5]
    assert sorted(job.scene_id for job in waiting(queue)) == [0, 1, 2, 3, 4]


def test_one_whose_key_waits_is_refused_and_kept(dlq, queue):
    dlq.insert([LETTER, replace(LETTER, seq=19, job={"scene_id": 8})])
    queue.enqueue(NewJob(scene_id=7, job_key="scene_7"))
    results = dlq.retry(1, 2, queue=queue)
    assert [result.outcome for result in results] == ["waiting", "retried"]
    assert "kept" in results[0].message
    assert [letter.id for letter in dlq.list()] == [1]
    assert queue.marks() == []


@pytest.mark.parametrize(
    "job",
    [{"scene_id": "7"}, {"update_type": ""}, {"job_key": 5}, {"data": float("nan")}],
)
def test_one_of_which_no_job_can_be_made_is_kept(tmp_path, queue, job):
    predecessors_file(tmp_path, [job])
    (result,) = DeadLetterQueue(tmp_path).retry(1, queue=queue)
    assert (result.outcome, result.job_id) == ("unreadable", None)
    assert "kept" in result.message
    assert queue.marks() == []


def test_one_without_a_job_is_kept(dlq, queue):
    sql(dlq.db_path, "INSERT INTO dead_letters DEFAULT VALUES")
    assert dlq.retry(1, queue=queue)[0].outcome == "unreadable"
    assert dlq.get_count() == 1


DIES = """
import os, sys
from sync_queue.connection import Database
from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue

step, folder = sys.argv[1:]

def die(*_):
    os._exit(9)

def then_die(function):
    def wrapped(*arguments):
        function(*arguments)
        os._exit(9)
    return wrapped

with JobQueue(folder) as queue:
    if step == "before-enqueueing":
        queue.retry_dead = die
    elif step == "after-enqueueing":
        queue.retry_dead = then_die(queue.retry_dead)
    elif step == "after-deleting":
        queue.forget_marks = die
    elif step == "after-forgetting":
        queue.forget_marks = then_die(queue.forget_marks)
    DeadLetterQueue(folder).retry(1, queue=queue)
"""


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    "step", ["before-enqueueing", "after-enqueueing", "after-deleting", "after-forgetting"]
)
def test_a_crash_at_any_step_repeats_nothing_and_loses_nothing(tmp_path, dlq, step, ended):
    dlq.insert([LETTER])
    died = subprocess.run([sys.executable, "-c", DIES, step, str(tmp_path)], check=False)
    assert died.returncode == 9
    claimed = 0
    with JobQueue(tmp_path) as queue:
        if ended:  # the job may run and end before anybody repeats the retry
            jobs = waiting(queue)
            claimed = len(jobs)
            queue.apply("test-stream", [Ending(job.id, job.attempt, 0) for job in jobs])
        dlq.retry(1, queue=queue)
        assert dlq.get_count() == 0
        assert claimed + len(waiting(queue)) == 1
        assert queue.marks() == []


def test_a_retry_that_was_cut_short_says_so(dlq, queue):
    dlq.insert([LETTER])
    queue.retry_dead(f"{dlq.dlq_id}:1", NewJob(scene_id=7))
    (result,) = dlq.retry(1, queue=queue)
    assert (result.outcome, result.job_id) == ("retried", None)
    assert "cut short" in result.message


def test_marks_are_forgotten_only_of_letters_that_are_gone(dlq, queue):
    dlq.insert([LETTER])
    for mark in (f"{dlq.dlq_id}:1", f"{dlq.dlq_id}:77", "another-file:77"):
        queue.retry_dead(mark, NewJob(scene_id=1))
    dlq.retry(99, queue=queue)
    assert sorted(queue.marks()) == sorted([f"{dlq.dlq_id}:1", "another-file:77"])


def test_letters_in_a_row_cost_two_transactions_each_and_one_in_all(dlq, queue, monkeypatch):
    begun = []
    real = Database.transaction

    def counted(database):
        begun.append(database)
        return real(database)

    dlq.insert([replace(LETTER, seq=seq, job={"scene_id": seq}) for seq in range(5)])
    monkeypatch.setattr(Database, "transaction", counted)
    assert len(dlq.retry(everything=True, queue=queue)) == 5
    assert len(begun) == 2 * 5 + 1
    assert queue.marks() == []


def test_marks_left_by_a_retry_that_was_cut_short_go_with_the_next(dlq, queue):
    dlq.insert([replace(LETTER, seq=seq, job={"scene_id": seq}) for seq in range(3)])
    real = queue.retry_dead
    left = [1, 2]

    def fails_later(mark, job):
        if not left:
            raise QueueError("the disk is full")
        left.pop()
        return real(mark, job)

    queue.retry_dead = fails_later
    with pytest.raises(QueueError):
        dlq.retry(everything=True, queue=queue)
    queue.retry_dead = real
    assert len(queue.marks()) == 2
    dlq.retry(everything=True, queue=queue)
    assert queue.marks() == []
    assert len(waiting(queue)) == 3


def test_the_files_name_is_its_own(tmp_path):
    one, two = DeadLetterQueue(tmp_path / "1"), DeadLetterQueue(tmp_path / "2")
    assert one.dlq_id == DeadLetterQueue(tmp_path / "1").dlq_id != two.dlq_id


def test_an_error_in_the_queue_leaves_the_letter(dlq, queue):
    dlq.insert([LETTER])
    queue.close()
    with pytest.raises(QueueError):
        dlq.retry(1, queue=queue)
    assert dlq.get_count() == 1
