"""Every writing call of the queue begins with the write lock, also one that reads first.

In WAL mode a transaction that has read cannot write any more once another process has written:
SQLite refuses at once (SQLITE_BUSY_SNAPSHOT), whatever the timeout.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys

import pytest

from sync_queue.jobs import Ending, NewJob
from sync_queue.queue import JobQueue
from tests.support.project import ROOT

ROUNDS = 300
# Calls that read, then write.
READS_FIRST = {
    "enqueue": lambda queue: queue.enqueue(NewJob(1, job_key="key")),
    "enqueue_many": lambda queue: queue.enqueue_many([NewJob(1), NewJob(2)]),
    "retry_dead": lambda queue: queue.retry_dead("mark", NewJob(1)),
    "claim": lambda queue: queue.claim("a", 0, 1),
    "apply": lambda queue: queue.apply("a", [Ending(1, 1, 0)], claim=1, next_seq=1),
    "give_back": lambda queue: queue.give_back("a", [(1, 1)]),
    "interrupt": lambda queue: queue.interrupt("a", [(1, 1)]),
    "release_lost": lambda queue: queue.release_lost("a"),
    "take_over": lambda queue: queue.take_over(1, 1, "a", "b", 0),
    "pause": lambda queue: queue.pause(),
}


@pytest.mark.parametrize("name", READS_FIRST)
def test_no_call_reads_before_it_may_write(tmp_path, name, monkeypatch):
    """The first that it says to SQLite is that it will write; and there is no other transaction."""
    connect, statements = sqlite3.connect, []

    def traced(*args, **options):
        connection = connect(*args, **options)
        connection.set_trace_callback(statements.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    with JobQueue(tmp_path, busy_timeout_s=30) as queue:
        queue.enqueue(NewJob(5))
        statements.clear()
        READS_FIRST[name](queue)
    # How long to wait for the lock is no reading: each try for it sets that.
    asked = [each for each in statements if not each.startswith("PRAGMA busy_timeout")]
    assert asked[0] == "BEGIN IMMEDIATE"
    assert asked.count("BEGIN") == 0


PROGRAM = """
import sys
from sync_queue.jobs import Ending, NewJob
from sync_queue.queue import JobQueue

folder, stream, rounds = sys.argv[1:]
with JobQueue(folder) as queue:
    sys.stdin.readline()  # all begin together
    for seq in range(int(rounds)):
        queue.retry_dead(f"{stream} {seq}", NewJob(1))
        for job in queue.claim(stream, seq, 1):
            queue.apply(stream, [Ending(job.id, job.attempt, seq)])
        queue.enqueue(NewJob(2, job_key="shared"))
        queue.release_lost(stream)
"""


def test_processes_that_read_and_write_in_turn_are_never_refused(tmp_path):
    data = tmp_path / "data"
    JobQueue(data).close()
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, data, f"stream-{number}", str(ROUNDS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    try:
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        told = [process.communicate(timeout=120)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert told == ["", "", ""]
    with JobQueue(data) as queue:
        assert len(queue.marks()) == 3 * ROUNDS
