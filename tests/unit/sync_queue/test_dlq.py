from __future__ import annotations

import inspect
import json
import multiprocessing
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from events.clock import SystemClock
from events.redaction import Redactor
from sync_queue import dlq as dlq_module
from sync_queue.connection import Database
from sync_queue.dead_letters import DeadLetter
from sync_queue.dlq import DeadLetterQueue
from sync_queue.errors import (
    ForeignDatabaseError,
    InvalidJobError,
    NewerDatabaseError,
    QueueError,
)
from sync_queue.jobs import Ending, NewJob
from sync_queue.masking import shown_letter, shown_whole
from sync_queue.queue import JobQueue
from sync_queue.showable import NOTES_KEY, showable_job

NOON_US = 1_764_504_000_000_000  # 2025-11-30T12:00:00Z
DAY_US = 86_400_000_000
SECRET = "hunter2hunter2"
JOB = {
    "job_id": 5,
    "scene_id": 7,
    "update_type": "metadata",
    "data": {"path": "/media/a.mkv", "token": SECRET},
    "job_key": "scene_7",
}
LETTER = DeadLetter(
    job_id=5,
    scene_id=7,
    job=JOB,
    error_type="PlexNotFound",
    error_message="no item",
    stack_trace="",
    retry_count=12,
    failed_at_us=NOON_US,
    stream="nas-1-x7f2",
    seq=18,
)


class PlexNotFound(Exception):  # noqa: N818 - a handler's error is named as it likes
    pass


class PermanentError(Exception):
    pass


class SetClock(SystemClock):
    def __init__(self, us=NOON_US):
        self.us = us

    def now_us(self):
        return self.us


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def dlq(tmp_path, clock):
    return DeadLetterQueue(tmp_path, clock=clock)


@pytest.fixture
def queue(tmp_path):
    with JobQueue(tmp_path) as jobs:
        yield jobs


def sql(path, statement, *values):
    """Look into the file, or change it, from outside."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def caught(error):
    """The error as a handler raises it: with a traceback."""
    local_secret = SECRET
    try:
        raise error
    except type(error) as raised:
        assert local_secret
        return raised


def waiting(jobs):
    """Every job in the queue, claimed; and their ids, in order."""
    return jobs.claim("test-stream", 0, 1000)


# The file


def test_the_table_is_there_once_the_object_is_made(tmp_path):
    dlq = DeadLetterQueue(tmp_path / "new" / "data")
    assert dlq.db_path == tmp_path / "new" / "data" / "dlq.db"
    columns = {
        name: kind for _, name, kind, *_ in sql(dlq.db_path, "PRAGMA table_info(dead_letters)")
    }
    assert [*columns] == [
        *("id", "job_id", "scene_id", "job_data", "error_type", "error_message"),
        *("stack_trace", "retry_count", "failed_at", "stream", "seq"),
    ]
    assert (columns["job_id"], columns["scene_id"], columns["job_data"]) == (
        *("INTEGER", "INTEGER", "BLOB"),
    )
    assert sql(dlq.db_path, "PRAGMA journal_mode") == [("wal",)]
    assert sql(dlq.db_path, "PRAGMA user_version") == [(2,)]
    assert sql(dlq.db_path, "PRAGMA application_id") == [(dlq_module.APPLICATION_ID,)]


def test_the_indexes_are_on_their_columns(dlq):
    def columns(index):
        return [name for _, _, name in sql(dlq.db_path, f"PRAGMA index_info({index})")]

    assert columns("idx_failed_at") == ["failed_at"]
    assert columns("idx_scene_id") == ["scene_id"]
    assert columns("idx_error_type") == ["error_type"]
    assert columns("idx_outcome") == ["stream", "seq"]


def test_a_row_needs_nothing_but_its_id_and_is_dated_now(dlq):
    sql(dlq.db_path, "INSERT INTO dead_letters DEFAULT VALUES")
    sql(dlq.db_path, "INSERT INTO dead_letters (failed_at) VALUES (NULL)")
    ((age_s,),) = sql(
        dlq.db_path,
        "SELECT abs(strftime('%s') - strftime('%s', failed_at)) FROM dead_letters WHERE id = 1",
    )
    assert age_s < 60
    assert dlq.get_by_id(1) is None
    assert [letter["id"] for letter in dlq.get_recent()] == [1, 2]
    assert dlq.list()[1].failed_at_us is None
    assert dlq.get(2).job is None


def test_folder_and_file_are_for_the_user_alone(tmp_path):
    dlq = DeadLetterQueue(str(tmp_path / "data"))
    assert stat.S_IMODE(dlq.db_path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(dlq.db_path.stat().st_mode) == 0o600


def test_what_was_stored_is_there_for_the_next_object(tmp_path):
    letter_id = DeadLetterQueue(tmp_path).add(JOB, PermanentError("x"), 1)
    again = DeadLetterQueue(str(tmp_path))
    assert again.get_by_id(letter_id) == JOB


def test_a_file_of_a_newer_version_is_refused_and_untouched(dlq):
    sql(dlq.db_path, "PRAGMA user_version = 99")
    with pytest.raises(NewerDatabaseError, match="version 99"):
        DeadLetterQueue(dlq.db_path.parent)
    assert sql(dlq.db_path, "PRAGMA user_version") == [(99,)]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE something (id INTEGER)",
        "CREATE TABLE dead_letters (id INTEGER, body TEXT)",
        "PRAGMA application_id = 4711",
    ],
)
def test_another_programs_database_is_refused(tmp_path, script):
    sql(tmp_path / "dlq.db", script)
    sql(tmp_path / "dlq.db", "CREATE TABLE other (id INTEGER)")
    before = sql(tmp_path / "dlq.db", "SELECT sql FROM sqlite_master")
    with pytest.raises(ForeignDatabaseError):
        DeadLetterQueue(tmp_path)
    assert sql(tmp_path / "dlq.db", "SELECT sql FROM sqlite_master") == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "dlq.db").write_text("no database " * 100)
    with pytest.raises(QueueError, match=r"dlq\.db"):
        DeadLetterQueue(tmp_path)


def test_importing_loads_neither_structlog_nor_rich():
    code = (
        "import sys; from sync_queue.dlq import DeadLetterQueue;"
        " print([name for name in ('structlog', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# A predecessor's file


def predecessors_file(folder, jobs):
    """What the known predecessor makes: the same table without outcomes, with pickled jobs."""
    path = Path(folder) / "dlq.db"
    sql(
        path,
        """CREATE TABLE dead_letters (
            id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER, scene_id INTEGER, job_data BLOB,
            error_type TEXT, error_message TEXT, stack_trace TEXT, retry_count INTEGER,
            failed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
    )
    sql(path, "CREATE INDEX idx_failed_at ON dead_letters(failed_at)")
    sql(path, "CREATE INDEX idx_scene_id ON dead_letters(scene_id)")
    for job in jobs:
        sql(
            path,
            "INSERT INTO dead_letters (job_id, scene_id, job_data, error_type, error_message,"
            " stack_trace, retry_count) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(job.get("pqid"), job.get("scene_id"), pickle.dumps(job), "PlexNotFound"),
            *(f"GET /?X-Plex-Token={SECRET}", "Traceback …", 5),
        )
    return path


OLD_JOB = {
    "scene_id": 7,
    "update_type": "metadata",
    "data": {"path": "/media/a.mkv"},
    "enqueued_at": 1_764_000_000.5,
    "job_key": "scene_7",
    "pqid": 3,
}


def test_a_predecessors_file_is_taken_over_in_place_with_its_rows(tmp_path):
    path = predecessors_file(tmp_path, [OLD_JOB, {**OLD_JOB, "scene_id": 8}])
    before = sql(path, "SELECT * FROM dead_letters")
    dlq = DeadLetterQueue(tmp_path)
    assert sql(path, "SELECT * FROM dead_letters") == [(*row, None, None) for row in before]
    assert sql(path, "PRAGMA user_version") == [(2,)]
    assert dlq.get_count() == 2
    assert dlq.get_by_id(1) == OLD_JOB
    assert dlq.get_error_summary() == {"PlexNotFound": 2}
    assert dlq.add(JOB, PermanentError("x"), 1) == 3
    assert DeadLetterQueue(tmp_path).get_by_id(2) == {**OLD_JOB, "scene_id": 8}


def test_a_predecessors_secrets_are_masked_where_they_are_shown(tmp_path):
    predecessors_file(tmp_path, [OLD_JOB])
    dlq = DeadLetterQueue(tmp_path)
    assert SECRET not in repr(dlq.get_recent())
    assert SECRET not in repr(dlq.list())
    assert SECRET not in repr(dlq.get(1))


def test_a_predecessors_job_is_retried(tmp_path, queue):
    predecessors_file(tmp_path, [OLD_JOB])
    (result,) = DeadLetterQueue(tmp_path).retry(1, queue=queue)
    assert result.outcome == "retried"
    (job,) = waiting(queue)
    assert (job.scene_id, job.kind, job.payload(), job.job_key) == (
        *(7, "metadata", {"path": "/media/a.mkv"}, "scene_7"),
    )


def test_a_pickle_that_would_run_code_is_neither_read_nor_retried_nor_lost(tmp_path, queue):
    path = predecessors_file(tmp_path, [OLD_JOB])
    ran = tmp_path / "it ran"
    evil = b"cos\nsystem\n(S'touch \"%s\"'\ntR." % bytes(ran)
    sql(path, "UPDATE dead_letters SET job_data = ?", evil)
    dlq = DeadLetterQueue(tmp_path)
    with pytest.raises(InvalidJobError, match="dead letter 1"):
        dlq.get_by_id(1)
    assert dlq.get(1).job is None
    assert "damaged" in dlq.get(1).unreadable
    (result,) = dlq.retry(1, queue=queue)
    assert (result.outcome, waiting(queue), dlq.get_count()) == ("unreadable", [], 1)
    assert not ran.exists()


# Adding


@pytest.mark.parametrize(
    ("job", "job_id"),
    [
        ({"job_id": 5, "pqid": 6}, 5),
        ({"job_id": 0, "pqid": 6}, 0),
        ({"job_id": None, "pqid": 6}, 6),
        ({"pqid": 6}, 6),
        ({}, None),
        ({"job_id": "five"}, None),
        ({"job_id": True}, None),
        ({"job_id": 2**70}, None),
    ],
)
def test_the_job_id_is_the_jobs_own_or_the_predecessors_or_none(dlq, job, job_id):
    letter_id = dlq.add(job, PermanentError("x"), 1)
    assert dlq.get_recent()[0]["job_id"] == job_id
    assert dlq.get_by_id(letter_id) == job


def test_a_letter_tells_job_error_and_time(dlq):
    letter_id = dlq.add(JOB, PlexNotFound("no item for /media/a.mkv"), 12)
    assert dlq.get_recent() == [
        {
            "id": letter_id,
            "job_id": 5,
            "scene_id": 7,
            "error_type": "PlexNotFound",
            "error_message": "no item for /media/a.mkv",
            "failed_at": "2025-11-30 12:00:00.000000",
        }
    ]
    (listed,) = dlq.list()
    assert (listed.retry_count, listed.failed_at_us, listed.stream) == (12, NOON_US, None)


def test_the_job_is_stored_as_json_and_whole(dlq):
    dlq.add(JOB, PermanentError("x"), 1)
    ((data,),) = sql(dlq.db_path, "SELECT job_data FROM dead_letters")
    assert isinstance(data, bytes)
    assert json.loads(data) == JOB


def test_lone_surrogates_and_large_integers_in_a_job_stay(dlq):
    job = {"scene_id": 2**70, "data": ["\ud800", 2**64]}
    assert dlq.get_by_id(dlq.add(job, PermanentError("x"), 1)) == job
    assert dlq.get_recent()[0]["scene_id"] is None


def test_the_trace_is_the_errors_own_also_outside_except(dlq):
    error = caught(PermanentError("first"))
    try:
        raise KeyError("another that is being handled")  # noqa: TRY301 - as in a worker's loop
    except KeyError:
        inside = dlq.add(JOB, error, 1)
    outside = dlq.add(JOB, error, 1)
    for letter_id in (inside, outside):
        trace = dlq.get(letter_id).stack_trace
        assert "in caught" in trace
        assert "PermanentError: first" in trace
        assert "another" not in trace


def test_the_trace_names_causes_and_shows_no_local_variables(dlq):
    try:
        try:
            caught(ValueError("the cause")).add_note("a note")
            raise caught(ValueError("the cause"))
        except ValueError as cause:
            raise PermanentError("the end") from cause
    except PermanentError as error:
        trace = dlq.get(dlq.add(JOB, error, 1)).stack_trace
    assert "ValueError: the cause" in trace
    assert "PermanentError: the end" in trace
    assert SECRET not in trace


def test_an_error_that_was_never_raised_has_a_short_trace(dlq):
    whole = dlq.get(dlq.add(JOB, PermanentError("never raised"), 1))
    assert "PermanentError: never raised" in whole.stack_trace
    assert "File" not in whole.stack_trace


def test_secrets_in_message_and_trace_are_redacted_in_the_file(dlq):
    error = caught(PermanentError(f"GET http://plex/library?X-Plex-Token={SECRET}: 401"))
    dlq.add(JOB | {"data": {}}, error, 1)
    dlq.insert(
        [replace(LETTER, job={}, error_message=f"password={SECRET}", stack_trace=f"token={SECRET}")]
    )
    for path in dlq.db_path.parent.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    assert "401" in dlq.get_recent()[1]["error_message"]


def test_the_redactor_can_be_ones_own(tmp_path):
    dlq = DeadLetterQueue(tmp_path, redactor=Redactor(extra_patterns=["blue-[0-9]+"]))
    dlq.add({}, PermanentError("it was blue-42"), 1)
    assert dlq.get_recent()[0]["error_message"] == "it was [redacted]"


class Unspeakable(Exception):  # noqa: N818 - the name is what is tested
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class UntraceableError(PermanentError):
    @property
    def __notes__(self):
        raise RuntimeError("no notes")


@pytest.mark.parametrize("kind", [Unspeakable, UntraceableError, KeyboardInterrupt])
def test_errors_that_cannot_be_shown_are_stored_all_the_same(dlq, kind):
    letter_id = dlq.add(JOB, caught(kind()), 1)
    assert dlq.get_recent()[0]["error_type"] == kind.__name__
    assert "caught" in dlq.get(letter_id).stack_trace
    assert dlq.get_by_id(letter_id) == JOB


def test_so_are_errors_whose_source_lines_cannot_be_read(dlq):
    class Loader:
        def get_source(self, name):
            raise RuntimeError(name)

    code = compile("raise PermanentError('x')", "no-such-file.py", "exec")
    try:
        exec(
            code,
            {"__name__": "m", "__loader__": Loader(), "PermanentError": PermanentError},
        )
    except PermanentError as error:
        letter_id = dlq.add(JOB, error, 1)
    whole = dlq.get(letter_id)
    assert (whole.letter.error_message, whole.stack_trace) == (
        *("x", "<a trace that cannot be shown>"),
    )


def test_messages_of_any_characters_and_any_length_are_stored(dlq):
    dlq.add(JOB, PermanentError("lone \ud800, nul \0, end"), 2**80)
    assert dlq.list()[0].error_message == "lone \\ud800, nul \0, end"
    assert dlq.list()[0].retry_count == 2**63 - 1
    dlq.add(JOB, PermanentError("begin" + "x" * 5_000_000 + "end"), 1)
    message = dlq.get_recent()[0]["error_message"]
    assert len(message) < 70_000
    assert message.startswith("begin")
    assert message.endswith("end")


def test_a_secret_is_redacted_before_the_message_is_cut(dlq):
    at = 32 * 1024 - 8  # where the cut goes through the secret
    dlq.add({}, PermanentError("x" * at + f" token={SECRET * 3} " + "y" * 100_000), 1)
    assert "unter2" not in dlq.get_recent()[0]["error_message"]


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no")


def endless():
    job = {"scene_id": 7}
    job["self"] = job
    return job


def deep(levels):
    job = {"scene_id": 7}
    for _ in range(levels):
        job = {"scene_id": 7, "in": job}
    return job


@pytest.mark.parametrize(
    ("job", "shown"),
    [
        ({"scene_id": 7, "at": Path("/x")}, {"at": repr(Path("/x"))}),
        (
            {"scene_id": 7, "rating": float("nan"), "b": float("-inf")},
            {"rating": "nan", "b": "-inf"},
        ),
        ({"scene_id": 7, "tags": {"a"}, "t": (1.5, None)}, {"tags": ["a"], "t": [1.5, None]}),
        ({"scene_id": 7, "raw": b"\xff", "n": {1: "a", "1": "b"}}, {"n": {"1": "a", "1~": "b"}}),
        ({"scene_id": 7, ("a", 1): 1, None: 2, True: 3}, {"('a', 1)": 1, "null": 2, "true": 3}),
        ({"scene_id": 7, "odd": Unshowable()}, {"odd": "<Unshowable>"}),
        ({"scene_id": 7, "n": 10**5000, "m": 2**70, "o": object}, {"m": 2**70}),
        ({"scene_id": 7, "long": [object()] * 100}, {}),
        ({"scene_id": 7, "many": [*range(200_000), b""]}, {}),
        (endless(), {}),
        (deep(300), {}),
        (deep(50_000), {}),
    ],
    ids=lambda value: "-".join(map(str, value))[:40],
)
def test_a_job_that_json_cannot_hold_is_stored_as_far_as_it_can_be_shown(dlq, queue, job, shown):
    letter_id = dlq.add(job, PermanentError("x"), 1)
    stored = dlq.get_by_id(letter_id)
    assert stored["scene_id"] == 7
    assert stored.items() >= shown.items()
    assert stored[NOTES_KEY]
    (result,) = dlq.retry(letter_id, queue=queue)
    assert (result.outcome, dlq.get_count()) == ("unreadable", 1)


def test_with_hardly_any_stack_left_the_numbers_are_kept():
    # a job may die of a RecursionError, and be stored where it was caught
    job = {"scene_id": 7, "data": deep(90)}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 60)
    try:
        shown = showable_job(job)
    finally:
        sys.setrecursionlimit(limit)
    assert shown == {
        "scene_id": 7,
        NOTES_KEY: ["everything but numbers: too little stack was left"],
    }


# Inserting by outcome


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


def test_error_summary_is_counted_in_the_database():
    assert "GROUP BY error_type" in (DeadLetterQueue.get_error_summary.__doc__ or "")


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


# Retrying


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


# Many at once

SPAWN = multiprocessing.get_context("spawn")


def add_many(folder, process, barrier):
    barrier.wait()
    dlq = DeadLetterQueue(folder)
    for i in range(25):
        dlq.add({"scene_id": process * 100 + i}, PermanentError("x"), 1)


def retry_all(folder, _, barrier):
    dlq = DeadLetterQueue(folder)
    barrier.wait()
    dlq.retry(*range(1, 21))


def at_once(target, folder, processes=4):
    barrier = SPAWN.Barrier(processes)
    started = [SPAWN.Process(target=target, args=(folder, n, barrier)) for n in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * processes


def test_four_processes_make_the_file_and_add_at_once(tmp_path):
    at_once(add_many, tmp_path / "data")
    dlq = DeadLetterQueue(tmp_path / "data")
    assert {letter.scene_id for letter in dlq.list()} == {
        process * 100 + i for process in range(4) for i in range(25)
    }
    assert dlq.get_count() == 100


def test_four_processes_retry_the_same_letters_and_each_is_enqueued_once(tmp_path, dlq):
    dlq.insert([replace(LETTER, seq=seq, job={"scene_id": seq}) for seq in range(20)])
    at_once(retry_all, tmp_path)
    with JobQueue(tmp_path) as queue:
        assert sorted(job.scene_id for job in waiting(queue)) == [*range(20)]
        assert queue.marks() == []
    assert dlq.get_count() == 0


def test_threads_share_one_object(dlq):
    def work(thread):
        for i in range(10):
            dlq.insert([replace(LETTER, stream=f"s{thread}", seq=i)])
            dlq.get_recent()

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert dlq.get_count() == 40


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
def test_ten_thousand_calls_leave_no_descriptors(dlq):
    dlq.add(JOB, PermanentError("x"), 1)
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(2_500):
        dlq.get_count()
        dlq.get_by_id(1)
        dlq.get_recent()
        dlq.get_error_summary()
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_making_an_object_again_writes_nothing(dlq, monkeypatch):
    monkeypatch.setattr(Database, "transaction", None)
    DeadLetterQueue(dlq.db_path.parent)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at descriptors in /proc")
def test_the_file_can_be_kept_open_between_calls_until_it_is_closed(tmp_path):
    def is_open():
        return any(
            link.exists() and link.resolve() == tmp_path / "dlq.db"
            for link in Path("/proc/self/fd").iterdir()
        )

    with DeadLetterQueue(tmp_path, keep_open=True) as kept:
        kept.insert([LETTER])
        assert is_open()
        assert kept.get_count() == 1
    assert not is_open()
    with pytest.raises(QueueError, match="has been closed"):
        kept.get_count()
    assert DeadLetterQueue(tmp_path).get_count() == 1
    assert not is_open()
