"""What the file is, whoever made it, and many who use it at once."""

from __future__ import annotations

import multiprocessing
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from sync_queue.dlq import DeadLetterQueue
from sync_queue.errors import (
    ForeignDatabaseError,
    InvalidJobError,
    NewerDatabaseError,
    QueueError,
)
from sync_queue.letter_file import APPLICATION_ID
from sync_queue.queue import JobQueue
from tests.support.dead_letters import (
    JOB,
    LETTER,
    SECRET,
    PermanentError,
    predecessors_file,
    sql,
    waiting,
)

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
    assert sql(dlq.db_path, "PRAGMA application_id") == [(APPLICATION_ID,)]


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


def test_making_an_object_again_writes_nothing(dlq):
    dlq.insert([LETTER])
    before = dlq.db_path.read_bytes()
    DeadLetterQueue(dlq.db_path.parent)
    assert dlq.db_path.read_bytes() == before


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
