"""A data folder with a queue of dead letters, at a time that the test sets."""

from __future__ import annotations

import pytest

from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue
from tests.support.dead_letters import SetClock


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
