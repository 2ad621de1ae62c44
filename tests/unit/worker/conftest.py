"""A data folder with all that a worker uses, and a clock that the test moves."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.held_clock import HeldClock
from tests.support.workers import Place


@pytest.fixture
def clock():
    """A module whose workers wait has a `TickingClock` here."""
    return HeldClock()


@pytest.fixture
def place(tmp_path, clock):
    with closing(Place(tmp_path / "data", clock)) as place:
        yield place
