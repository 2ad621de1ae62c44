"""A data folder with a queue and its dead letters, at a time that the test sets."""

from __future__ import annotations

import pytest

from sync_queue.connection import Database
from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue
from tests.support.databases import FIRST_SCRIPT, OURS
from tests.support.dead_letters import NOON_US
from tests.support.held_clock import HeldClock


@pytest.fixture
def clock():
    return HeldClock(NOON_US)


@pytest.fixture
def dlq(tmp_path, clock):
    return DeadLetterQueue(tmp_path, clock=clock)


@pytest.fixture
def queue(tmp_path, clock):
    with JobQueue(tmp_path, clock=clock) as jobs:
        yield jobs


@pytest.fixture
def migrations(tmp_path):
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_things.sql").write_text(FIRST_SCRIPT)
    return folder


@pytest.fixture
def path(tmp_path):
    """Where `opened` opens a database."""
    return tmp_path / "data" / "deep" / "some.db"


@pytest.fixture
def opened(path, migrations):
    """Opens a small database; all are closed at the end of the test."""
    databases = []

    def call(at=path, **options):
        options = {"application_id": OURS, "migrations": migrations} | options
        databases.append(Database(at, **options))
        return databases[-1]

    yield call
    for database in databases:
        database.close()
