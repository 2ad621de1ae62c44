"""A letter of an outcome comes into the dead letter queue once, from the queue or from the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from events.redaction import Redactor
from sync_queue.masking import shown_whole
from tests.support.dead_letters import DAY_US, LETTER, NOON_US, sql


def test_an_outcome_is_inserted_once(dlq):
    assert dlq.insert([LETTER, LETTER]) == 1
    assert dlq.insert([replace(LETTER, seq=19), LETTER]) == 1
    assert dlq.insert([]) == 0
    assert [(letter.stream, letter.seq) for letter in dlq.list()] == [
        ("nas-1-x7f2", 19),
        ("nas-1-x7f2", 18),
    ]


FROM_LOG = replace(LETTER, job=None, retry_count=None)


def test_a_letter_from_the_log_is_marked_and_cannot_be_retried(dlq, queue):
    dlq.insert([FROM_LOG, replace(LETTER, seq=19)])
    assert [letter.from_log for letter in dlq.list()] == [False, True]
    whole = dlq.get(1)
    assert (whole.job, whole.unreadable) == (None, None)
    assert (whole.letter.from_log, whole.letter.retry_count) == (True, None)
    assert shown_whole(whole, Redactor())["from_log"] is True
    for results in (dlq.retry(1, dry_run=True), dlq.retry(1, queue=queue)):
        assert [(each.outcome, each.message) for each in results] == [
            (
                "unreadable",
                (
                    "dead letter 1 is kept: it was put back from the log, which does not hold its"
                    " job; enqueue its job by hand, then purge it"
                ),
            )
        ]
    assert dlq.get_count() == 2


def test_a_letter_from_the_log_is_given_its_job_once_that_comes(dlq):
    dlq.insert([FROM_LOG])
    assert dlq.insert([FROM_LOG]) == 0
    assert dlq.insert([LETTER]) == 1
    assert dlq.get_by_id(1) == LETTER.job
    assert dlq.insert([replace(LETTER, job={"scene_id": 1}), FROM_LOG]) == 0
    assert dlq.get_by_id(1) == LETTER.job
    assert dlq.get(1).letter.retry_count == LETTER.retry_count


def test_it_is_known_of_which_outcomes_there_are_letters(dlq):
    dlq.insert([LETTER, replace(LETTER, seq=20)])
    dlq.purge(1)
    assert dlq.unknown("nas-1-x7f2", [17, 18, 20, 21]) == {17, 21}
    assert dlq.unknown("other", [18]) == {18}
    assert dlq.unknown("other", []) == frozenset()


def test_letters_without_an_outcome_are_all_kept(dlq):
    assert dlq.insert([replace(LETTER, stream=None, seq=None)] * 3) == 3


def test_a_letter_without_a_time_died_now(dlq, clock):
    clock.us += 1
    dlq.insert([replace(LETTER, failed_at_us=None)])
    assert dlq.list()[0].failed_at_us == NOON_US + 1


@pytest.mark.parametrize("way", ["purge", "retry", "delete_older_than", "sqlite3"])
def test_whatever_deletes_a_letter_recovery_does_not_insert_it_again(dlq, queue, clock, way):
    dlq.insert([LETTER, replace(LETTER, seq=20)])
    if way == "purge":
        dlq.purge(1)
    elif way == "retry":
        dlq.retry(1, queue=queue)
    elif way == "delete_older_than":
        clock.us += DAY_US * 31
        dlq.delete_older_than()
    else:
        sql(dlq.db_path, "DELETE FROM dead_letters WHERE id = 1")
    left = dlq.get_count()
    assert dlq.insert([LETTER]) == 0
    assert dlq.get_count() == left
    assert dlq.insert([replace(LETTER, seq=19)]) == 1


def test_the_highest_seq_is_known_also_of_deleted_letters(dlq):
    assert dlq.highest_seq("nas-1-x7f2") is None
    dlq.insert([LETTER, replace(LETTER, seq=30), replace(LETTER, stream="other", seq=99)])
    assert dlq.highest_seq("nas-1-x7f2") == 30
    dlq.purge(2)
    assert dlq.highest_seq("nas-1-x7f2") == 30
    dlq.insert([replace(LETTER, seq=31)])
    assert dlq.highest_seq("nas-1-x7f2") == 31
