"""Dead letters for the tests of their queue, and a look into its file from outside."""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

from sync_queue.dead_letters import DeadLetter

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
