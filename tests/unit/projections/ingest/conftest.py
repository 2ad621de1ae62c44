from __future__ import annotations

import pytest

from events.filesystem import REAL
from projections.ingest.store import StateStore
from tests.support.fake_watch import Run
from tests.support.held_clock import HeldClock
from tests.support.ingesting import SIDEKIQ


@pytest.fixture
def run(tmp_path):
    store = StateStore(tmp_path / "state", fs=REAL, clock=HeldClock())
    return lambda choice=SIDEKIQ, epoch="e0": Run(store, choice, epoch)
