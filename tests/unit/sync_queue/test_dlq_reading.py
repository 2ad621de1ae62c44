"""Reading, counting and deleting dead letters."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import pytest

from events.redaction import Redactor
from sync_queue.dlq import DeadLetterQueue
from sync_queue.errors import InvalidJobError
from sync_queue.masking import shown_letter, shown_whole
from sync_queue.sql import read_queries
from tests.support.dead_letters import (
    DAY_US,
    JOB,
    LETTER,
    NOON_US,
    SECRET,
    PermanentError,
    PlexNotFound,
    caught,
    predecessors_file,
    sql,
    waiting,
)

# Reading


def test_recent_letters_come_newest_first_and_ties_by_id(dlq, clock):
    for minute in (0, 2, 1, 1):
        clock.us = NOON_US + minute * 60_000_000
        dlq.add({}, PermanentError(f"minute {minute}"), 1)
    assert [letter["id"] for letter in dlq.get_recent()] == [2, 4, 3, 1]
    assert [letter["id"] for letter in dlq.get_recent(limit=2)] == [2, 4]
    assert dlq.get_recent(0) == []
    assert [letter.id for letter in dlq.list(limit=3)] == [2, 4, 3]
    with pytest.raises(ValueError, match="limit"):
        dlq.get_recent(-1)
    with pytest.raises(ValueError, match="limit"):
        dlq.list(limit=-1)


def test_ten_letters_are_recent_unless_told_otherwise(dlq):
    dlq.insert([replace(LETTER, seq=seq) for seq in range(12)])
    assert len(dlq.get_recent()) == 10
    assert len(dlq.list()) == 12


@pytest.mark.parametrize("letter_id", [0, 2, -1, 2**70])
def test_an_unknown_id_has_no_letter(dlq, queue, letter_id):
    dlq.add(JOB, PermanentError("x"), 1)
    assert dlq.get_by_id(letter_id) is None
    assert dlq.get(letter_id) is None
    for results in (
        dlq.retry(letter_id, queue=queue),
        dlq.purge(letter_id),
        dlq.retry(letter_id, dry_run=True),
        dlq.purge(letter_id, dry_run=True),
    ):
        (result,) = results
        assert (result.id, result.outcome) == (letter_id, "missing")
    assert dlq.get_count() == 1


@pytest.mark.parametrize("data", ["'[]'", "'{'", "7", "x'ff'", "'null'", "1.5"])
def test_a_damaged_job_is_told_and_kept(dlq, queue, data):
    dlq.add(JOB, PermanentError("x"), 1)
    sql(dlq.db_path, f"UPDATE dead_letters SET job_data = {data}")
    with pytest.raises(InvalidJobError, match="dead letter 1: the stored job"):
        dlq.get_by_id(1)
    assert dlq.retry(1, queue=queue)[0].outcome == "unreadable"
    assert dlq.retry(1, dry_run=True)[0].outcome == "unreadable"
    assert dlq.get_count() == 1


def test_letters_are_counted(dlq):
    assert dlq.get_count() == 0
    dlq.insert([replace(LETTER, seq=seq) for seq in range(3)])
    assert dlq.get_count() == 3


@pytest.mark.parametrize(
    "text", ["2025-11-30 12:00:00", "2025-11-30T12:00:00Z", "2025-11-30T13:00:00+01:00"]
)
def test_times_are_read_as_utc_however_they_are_written(dlq, text):
    dlq.add({}, PermanentError("x"), 1)
    sql(dlq.db_path, "UPDATE dead_letters SET failed_at = ?", text)
    assert dlq.list()[0].failed_at_us == NOON_US


def test_a_time_that_is_none_is_told_as_none(dlq):
    dlq.add({}, PermanentError("x"), 1)
    sql(dlq.db_path, "UPDATE dead_letters SET failed_at = 'yesterday'")
    assert dlq.list()[0].failed_at_us is None
    assert shown_letter(dlq.list()[0])["failed_at"] is None


def test_what_is_shown_is_json_with_secrets_masked(dlq):
    letter_id = dlq.add(JOB | {"raw": b"\xff"}, caught(PermanentError("x")), 1)
    shown = shown_whole(dlq.get(letter_id), Redactor())
    assert SECRET not in json.dumps(shown)
    assert shown["job"]["data"]["path"] == "/media/a.mkv"
    assert shown["failed_at"] == "2025-11-30T12:00:00.000000Z"
    assert dlq.get_by_id(letter_id)["data"]["token"] == SECRET


def test_what_a_pickle_held_is_shown_too(tmp_path):
    predecessors_file(tmp_path, [{"scene_id": 7, "raw": b"\xff", "token": SECRET}])
    shown = shown_whole(DeadLetterQueue(tmp_path).get(1), Redactor())
    assert SECRET not in json.dumps(shown)
    assert shown["job"]["scene_id"] == 7


def test_a_letter_without_a_job_is_shown_as_that(dlq):
    sql(dlq.db_path, "INSERT INTO dead_letters DEFAULT VALUES")
    assert shown_whole(dlq.get(1), Redactor())["job"] is None


# The error summary


def test_error_summary_empty(dlq):
    assert dlq.get_error_summary() == {}


def test_error_summary_one_type(dlq):
    dlq.add(JOB, PlexNotFound("a"), 1)
    assert dlq.get_error_summary() == {"PlexNotFound": 1}


def test_error_summary_several_of_one_type(dlq):
    for message in "abc":
        dlq.add(JOB, PlexNotFound(message), 1)
    assert dlq.get_error_summary() == {"PlexNotFound": 3}


def test_error_summary_several_types_most_frequent_first(dlq):
    for error in (PermanentError, PlexNotFound, ValueError, PlexNotFound, PlexNotFound, ValueError):
        dlq.add(JOB, error("x"), 1)
    assert [*dlq.get_error_summary().items()] == [
        ("PlexNotFound", 3),
        ("ValueError", 2),
        ("PermanentError", 1),
    ]


def test_error_summary_counts_rows_without_a_type_as_unknown(dlq):
    dlq.insert([replace(LETTER, seq=1, error_type="unknown")])
    sql(dlq.db_path, "INSERT INTO dead_letters (error_type) VALUES (NULL), (NULL), ('')")
    assert dlq.get_error_summary() == {"unknown": 4}
    assert len(dlq.list(error_type="unknown")) == 4


def test_error_summary_is_counted_in_the_database(dlq):
    dlq.insert([replace(LETTER, seq=seq, error_type="AB"[seq % 2]) for seq in range(100)])
    rows = sql(dlq.db_path, read_queries("dlq")["error_summary"])
    assert sorted(rows) == [("A", 50), ("B", 50)]


def test_error_summary_drops_what_was_deleted(dlq):
    dlq.insert([LETTER, replace(LETTER, seq=19, error_type="PermanentError")])
    dlq.purge(1)
    assert dlq.get_error_summary() == {"PermanentError": 1}


# Deleting


def test_old_letters_are_deleted_and_counted(dlq, clock):
    for days in (40, 30, 29, 0):
        dlq.insert([replace(LETTER, seq=days, failed_at_us=NOON_US - days * DAY_US - 1)])
    assert dlq.delete_older_than() == 2
    assert sorted(letter.seq for letter in dlq.list()) == [0, 29]
    assert dlq.delete_older_than(0.5) == 1
    clock.us += 1_000_000
    assert dlq.delete_older_than(days=0) == 1
    assert dlq.get_count() == 0


def test_a_time_as_sqlite_writes_it_is_compared_too(tmp_path):
    dlq = DeadLetterQueue(tmp_path)
    for age in ("-31 days", "-29 days"):
        dlq.add({}, PermanentError(age), 1)
        sql(
            dlq.db_path,
            "UPDATE dead_letters SET failed_at = datetime('now', ?) WHERE error_message = ?",
            *(age, age),
        )
    assert dlq.delete_older_than(30) == 1
    assert dlq.get_recent()[0]["error_message"] == "-29 days"


def test_nothing_is_older_than_for_ever(dlq):
    dlq.insert([LETTER])
    assert dlq.delete_older_than(float("inf")) == 0
    assert dlq.delete_older_than(10**9) == 0


@pytest.mark.parametrize("days", [-1, float("nan"), float("-inf")])
def test_an_age_that_is_none_is_refused(dlq, days):
    with pytest.raises(ValueError, match="days"):
        dlq.delete_older_than(days)


def test_letters_are_purged_one_by_one(dlq):
    dlq.insert([LETTER, replace(LETTER, seq=19)])
    results = dlq.purge(2, 9, 2)
    assert [(result.id, result.outcome) for result in results] == [(2, "purged"), (9, "missing")]
    assert "9" in results[1].message
    assert [letter.id for letter in dlq.list()] == [1]


def test_letters_are_purged_by_type_or_all(dlq):
    dlq.insert([replace(LETTER, seq=seq, error_type="AB"[seq % 2]) for seq in range(5)])
    assert [result.id for result in dlq.purge(error_type="B")] == [2, 4]
    assert len(dlq.purge(everything=True)) == 3
    assert dlq.purge(everything=True) == ()


def test_a_dry_run_changes_nothing(dlq, queue):
    dlq.insert([LETTER, replace(LETTER, seq=19)])
    assert {result.outcome for result in dlq.purge(everything=True, dry_run=True)} == {
        "would-purge"
    }
    results = dlq.retry(everything=True, dry_run=True, queue=queue)
    assert {result.outcome for result in results} == {"would-retry"}
    assert "'metadata' of scene 7" in results[0].message
    assert dlq.get_count() == 2
    assert waiting(queue) == []
    sceneless = dlq.add({}, PermanentError("x"), 1)
    assert "no scene" in dlq.retry(sceneless, dry_run=True)[0].message


@pytest.mark.parametrize(
    ("ids", "rest"),
    [
        ((), {}),
        ((1,), {"error_type": "A"}),
        ((1,), {"everything": True}),
        ((), {"error_type": "A", "everything": True}),
    ],
)
def test_letters_are_selected_in_one_way(dlq, ids, rest):
    dlq.insert([LETTER])
    for act in (dlq.purge, dlq.retry):
        with pytest.raises(ValueError, match="one of them"):
            act(*ids, **rest)
    assert dlq.get_count() == 1


def test_results_are_values(dlq):
    (result,) = dlq.purge(1)
    with pytest.raises(FrozenInstanceError):
        result.outcome = "purged"
