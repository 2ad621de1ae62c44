"""Sums over foreign outcomes become tallies, with the outcomes that are not in them."""

from __future__ import annotations

from datetime import UTC, datetime

from events.formats.fast.sums import Sums
from events.formats.outcome import Foreign
from events.formats.presets import load_preset
from events.formats.translator import Translator
from projections.fold import Fold
from projections.foreign_sums import tally_sums
from tests.support.project import ROOT
from worker.stats import SyncStats

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_US = 1_795_521_600_000_000


def test_nothing_adds_up_to_nothing():
    tally, newest_us = tally_sums(Sums())
    assert (tally.succeeded, tally.failed, tally.earliest_us, newest_us) == (0, 0, None, None)


def test_outcomes_and_sums_are_added():
    sums = Sums(
        outcomes=[
            Foreign(event="job.failed", error_type="E", to_dlq=True, duration_ns=5, timestamp=NOON)
        ],
        succeeded=3,
        high=2,
        failed=2,
        skipped=1,
        latency_ns=[1, 2, 3, 4, 5],
        waiting_ns=[7],
        earliest=NOON.replace(hour=13),
        newest=NOON.replace(hour=14),
    )
    sums.errors.update(["E", "F"])
    tally, newest_us = tally_sums(sums)
    assert (tally.succeeded, tally.high, tally.low) == (3, 2, 1)
    assert (tally.failed, tally.to_dlq, tally.retried, tally.skipped) == (3, 1, 2, 1)
    assert tally.errors == {"E": 2, "F": 1}
    assert (tally.time_ns, tally.waiting_ns) == (20, [7])
    assert (tally.earliest_us, newest_us) == (NOON_US, NOON_US + 2 * 3600 * 10**6)


def test_a_log_of_companions_adds_up_to_the_same():
    data = (ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl").read_bytes()
    fold = Fold()
    fold.foreign("s", Translator(load_preset("sidekiq")).lines(data), lines=152)
    stats = SyncStats.zero()
    stats.add(tally_sums(Translator(load_preset("sidekiq")).sums(data))[0])
    assert stats == fold.entry("s").stats
    assert stats.jobs_failed == 8
