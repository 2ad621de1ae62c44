"""A data folder with a queue and its dead letters, at a time that the test sets."""

from __future__ import annotations

import pytest

from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue
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
