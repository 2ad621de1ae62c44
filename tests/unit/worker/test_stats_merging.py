"""Statistics that are merged and compared; their laws are in tests/properties."""

from __future__ import annotations

import dataclasses
import math
from copy import deepcopy

import pytest

from tests.support.stats_fields import COUNTS
from worker.stats import MAX_COUNT, SyncStats


class TestMerge:
    def test_it_adds_up(self):
        a = SyncStats(3, 2, 1, 1, 0.1, 50.0, {"A": 1, "B": 2}, 1, 1, 5, 1, 1, 1)
        b = SyncStats(1, 0, 1, 0, 0.2, 40.0, {"B": 1}, 0, 0, 1, 1, 0, 2)

        both = SyncStats(4, 2, 2, 1, 0.3, 40.0, {"A": 1, "B": 3}, 1, 1, 6, 2, 1, 3)

        assert a.merge(b) == a + b == SyncStats.merge_all([a, b]) == both

    def test_it_changes_neither(self):
        a, b = SyncStats(session_start=1), SyncStats(session_start=2)
        a.record_failure("A", 1)
        before = deepcopy((a, b))

        a.merge(b).record_failure("A", 1)
        b.merge(a).record_failure("A", 1)

        assert (a, b) == before

    def test_zero_has_no_start(self):
        assert SyncStats.zero().session_start == math.inf
        assert SyncStats.merge_all([]) == SyncStats.zero()

    def test_only_stats_can_be_merged(self, stats):
        with pytest.raises(TypeError, match="int"):
            stats.merge(1)
        with pytest.raises(TypeError):
            stats + 1

    def test_stats_equal_only_stats_and_have_no_hash(self, stats):
        assert stats != {}
        with pytest.raises(TypeError, match="unhashable"):
            hash(stats)


@pytest.mark.parametrize("name", COUNTS)
def test_each_count_matters_to_equality_adds_up_and_stops(stats, name):
    one = dataclasses.replace(stats, **{name: 1})

    assert one != stats
    assert getattr(one.merge(one), name) == 2
    assert getattr(one.merge(dataclasses.replace(stats, **{name: MAX_COUNT})), name) == MAX_COUNT


@pytest.mark.parametrize("name", ["latency", "waiting"])
def test_each_histogram_matters_to_equality_and_adds_up(stats, name):
    other = stats.copy()
    getattr(other, name).record(1)

    assert other != stats
    assert getattr(other.merge(other), name).count == 2
