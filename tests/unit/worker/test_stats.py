"""What statistics are made of: fields, total time, rates, copies."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import pytest

import worker.stats
from tests.support.stats_fields import COPIES, COUNTS, LATER, NINE, NO_TIMES
from worker.histogram import Histogram
from worker.stats import MAX_COUNT, SyncStats


class TestConstruction:
    def test_fields_stand_in_the_known_order(self):
        names = [field.name for field in dataclasses.fields(SyncStats)]

        assert names == [*NINE, *LATER, "latency", "waiting"]

    def test_by_position_and_by_keyword(self):
        values = [10, 8, 2, 1, 150.5, 1000.5, {"A": 2}, 7, 1, 3, 1, 2, 4]

        by_position = SyncStats(*values)

        assert by_position == SyncStats(**dict(zip([*NINE, *LATER], values, strict=True)))
        assert [getattr(by_position, name) for name in [*NINE, *LATER]] == values

    def test_the_session_starts_now(self):
        before = time.time()

        assert before <= SyncStats().session_start <= time.time()

    def test_everything_else_is_empty(self):
        stats = SyncStats(session_start=1.0)

        assert [getattr(stats, name) for name in NINE] == [0, 0, 0, 0, 0.0, 1.0, {}, 0, 0]
        assert (stats.latency, stats.waiting) == (Histogram(), Histogram())

    def test_containers_are_its_own(self):
        errors, latency = {"A": 1}, Histogram()

        made = SyncStats(errors_by_type=errors, latency=latency)
        made.record_failure("A", 1)

        assert (errors, latency) == ({"A": 1}, Histogram())

    @pytest.mark.parametrize("name", COUNTS)
    @pytest.mark.parametrize(
        ("value", "error"),
        [
            (-1, ValueError),
            (2**63, ValueError),
            (1.0, TypeError),
            (True, TypeError),
            ("1", TypeError),
        ],
    )
    def test_what_is_no_count_is_refused_by_name(self, name, value, error):
        with pytest.raises(error, match=name):
            SyncStats(**{name: value})

    @pytest.mark.parametrize(
        ("value", "error"),
        [
            (math.nan, ValueError),
            (-1, ValueError),
            (-math.inf, ValueError),
            (1e300, ValueError),
            ("now", TypeError),
            (False, TypeError),
            (None, TypeError),
        ],
    )
    def test_what_is_no_start_is_refused(self, value, error):
        with pytest.raises(error, match="session_start"):
            SyncStats(session_start=value)

    def test_a_whole_start_and_a_negative_zero_become_plain_floats(self):
        assert json.dumps(SyncStats(session_start=-0.0).session_start) == "0.0"
        assert json.dumps(SyncStats(session_start=5).session_start) == "5.0"

    @pytest.mark.parametrize(
        ("errors", "error"),
        [
            (None, TypeError),
            ([], TypeError),
            ({1: 1}, TypeError),
            ({"": 1}, ValueError),
            ({"A": -1}, ValueError),
            ({"A": 1.5}, TypeError),
        ],
    )
    def test_what_are_no_errors_is_refused(self, errors, error):
        with pytest.raises(error, match="errors_by_type"):
            SyncStats(errors_by_type=errors)

    @pytest.mark.parametrize("name", ["latency", "waiting"])
    def test_what_is_no_histogram_is_refused_by_name(self, name):
        with pytest.raises(TypeError, match=name):
            SyncStats(**{name: {}})


class TestTotalTime:
    def test_a_tenth_shows_as_a_tenth(self, stats):
        assert SyncStats(total_processing_time=0.1).total_processing_time == 0.1

        for _ in range(3):
            stats.record_success(0.1)

        assert stats.total_processing_time == 0.3
        assert stats.total_processing_time_ns == 300_000_000

    def test_it_can_be_set(self, stats):
        stats.total_processing_time = 2.5

        assert (stats.total_processing_time, stats.total_processing_time_ns) == (2.5, 2_500_000_000)

    def test_it_can_be_replaced(self, stats):
        stats.record_success(1)

        other = dataclasses.replace(stats, total_processing_time=0.25)

        assert (other.total_processing_time, other.jobs_processed) == (0.25, 1)
        assert other.total_processing_time_ns == 250_000_000
        assert stats.total_processing_time == 1.0

    def test_replacing_something_else_keeps_it_to_the_nanosecond(self, stats):
        stats.total_processing_time_ns = MAX_COUNT - 1

        other = dataclasses.replace(stats, jobs_skipped=1)

        assert other.total_processing_time_ns == MAX_COUNT - 1

    def test_totals_that_show_alike_are_still_told_apart(self, stats):
        other = stats.copy()
        stats.total_processing_time_ns, other.total_processing_time_ns = 2**60, 2**60 + 1

        assert stats.total_processing_time == other.total_processing_time
        assert stats != other

    def test_its_nearest_nanosecond_counts(self):
        assert SyncStats(total_processing_time=1.4e-9).total_processing_time_ns == 1
        assert SyncStats(total_processing_time=1.6e-9).total_processing_time_ns == 2
        assert SyncStats(total_processing_time=5).total_processing_time_ns == 5_000_000_000

    def test_it_stops_at_the_largest_number(self, stats):
        stats.total_processing_time = 1e300
        stats.record_success(1)

        assert stats.total_processing_time_ns == MAX_COUNT
        assert stats.total_processing_time == MAX_COUNT / 10**9

    @pytest.mark.parametrize(("value", "error"), NO_TIMES)
    def test_what_is_no_time_is_refused_by_name(self, stats, value, error):
        with pytest.raises(error, match="total_processing_time"):
            SyncStats(total_processing_time=value)
        with pytest.raises(error, match="total_processing_time"):
            stats.total_processing_time = value

        assert stats.total_processing_time == 0.0


class TestRates:
    def test_with_no_jobs(self, stats):
        assert stats.success_rate == stats.completion_rate == stats.avg_processing_time == 0.0
        assert isinstance(stats.success_rate, float)

    def test_with_jobs(self):
        stats = SyncStats(10, 6, 4, 2, total_processing_time=1.5)

        assert stats.success_rate == 60.0
        assert stats.completion_rate == 75.0
        assert stats.avg_processing_time == 0.15

    def test_the_quantiles_are_those_of_the_latency(self, stats):
        for seconds in (1, 2, 3):
            stats.record_success(seconds)

        assert stats.quantile(1) == stats.latency.quantile(1) == 3.0


@pytest.mark.parametrize("make", COPIES)
def test_a_copy_shares_nothing(stats, make):
    stats.record_failure("A", 1)
    before = deepcopy(stats)

    twin = make(stats)
    twin.record_failure("A", 2)
    twin.waiting.record(5)

    assert stats == before


def test_importing_loads_nothing_but_the_standard_library():
    code = "import sys; sys.path.append('.'); import worker.stats; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],  # -S: no site-packages, and what they preload
        cwd=Path(worker.stats.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded - sys.stdlib_module_names == {"__main__", "events", "worker"}
    assert not loaded & {"json", "logging", "hashlib", "datetime", "pathlib", "fcntl"}
