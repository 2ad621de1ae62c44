"""A data folder with all that a worker uses, and a clock that the test moves."""

from __future__ import annotations

from contextlib import closing

import pytest
from structlog.testing import capture_logs

from tests.support.held_clock import HeldClock
from tests.support.workers import Place
from worker.stats import SyncStats


@pytest.fixture
def clock():
    """A module whose workers wait has a `TickingClock` here."""
    return HeldClock()


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def place(data, clock):
    with closing(Place(data, clock)) as place:
        yield place


@pytest.fixture
def stats():
    return SyncStats(session_start=1000.5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stats.json"


@pytest.fixture
def logs():
    """What is logged meanwhile."""
    with capture_logs() as entries:
        yield entries
