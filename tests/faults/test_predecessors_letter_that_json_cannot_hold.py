"""A predecessor pickled a job with NaN and bytes: its dead letter is shown, not called a defect."""

from __future__ import annotations

import json
import pickle
import sqlite3
from contextlib import closing

import pytest

from sync_queue.dlq import DeadLetterQueue
from tests.support.command import syncstats


@pytest.fixture
def folder(tmp_path):
    DeadLetterQueue(tmp_path / "data")
    job = {"scene_id": 1, "data": {"x": float("nan"), "b": b"\xff", "token": "geheim"}}
    with closing(sqlite3.connect(tmp_path / "data" / "dlq.db")) as connection, connection:
        connection.execute(
            "INSERT INTO dead_letters (job_id, scene_id, job_data, error_type, error_message,"
            "stack_trace, retry_count) VALUES (1, 1, ?, 'E', 'm', 't', 1)",
            (pickle.dumps(job),),
        )
    return tmp_path


def test_as_json(folder):
    ran = syncstats("dlq", "show", "1", "--json", cwd=folder)
    assert (ran.status, ran.err) == (0, "")
    found = json.loads(ran.out, parse_constant=pytest.fail)
    assert found["job"]["data"]["x"] == "nan"
    assert found["job"]["data"]["token"] == "[redacted]"
    assert len(found["job"]["(not stored as it was)"]) == 2


def test_for_people(folder):
    ran = syncstats("dlq", "show", "1", cwd=folder)
    assert (ran.status, ran.err) == (0, "")
    assert '"x": "nan"' in ran.out
    assert "not stored as it was" in ran.out
    assert "geheim" not in ran.out


def test_in_the_list(folder):
    (letter,) = syncstats("dlq", "list", "--json", cwd=folder).json["dead_letters"]
    assert (letter["id"], letter["error_type"]) == (1, "E")
