"""Statistics as JSON, and the short of their file: all else of it is in test_stats_file.py."""

from __future__ import annotations

import json
import math
import time

import pytest

from tests.support.stats_fields import COUNTS, LATER, NINE
from worker.errors import StatsError
from worker.stats import MAX_COUNT, SyncStats


class TestToDict:
    def test_all_fields_stand_in_order_and_ready_for_json(self, stats):
        stats.record_success(0.1)
        stats.record_failure("B", 0.2, to_dlq=True)
        stats.record_failure("A", 0.1)
        stats.waiting.record(0)

        document = json.loads(json.dumps(stats.to_dict()))

        histograms = document.pop("latency"), document.pop("waiting")
        assert list(document) == [
            *NINE,
            *LATER,
            "total_processing_time_ns",
            "success_rate",
            "completion_rate",
            "avg_processing_time",
            "quantiles",
        ]
        assert document == {
            "jobs_processed": 3,
            "jobs_succeeded": 1,
            "jobs_failed": 2,
            "jobs_to_dlq": 1,
            "total_processing_time": 0.4,
            "session_start": 1000.5,
            "errors_by_type": {"A": 1, "B": 1},
            "high_confidence_matches": 1,
            "low_confidence_matches": 0,
            "jobs_skipped": 0,
            "jobs_retried": 1,
            "jobs_recovered": 0,
            "jobs_with_warnings": 0,
            "total_processing_time_ns": 400_000_000,
            "success_rate": 100 / 3,
            "completion_rate": 50.0,
            "avg_processing_time": 0.4 / 3,
            "quantiles": {
                "latency": {"p50": 0.1, "p90": 0.2, "p99": 0.2, "max": 0.2},
                "waiting": {"p50": 0.0, "p90": 0.0, "p99": 0.0, "max": 0.0},
            },
        }
        assert list(document["errors_by_type"]) == ["A", "B"]
        assert histograms == (stats.latency.to_dict(), stats.waiting.to_dict())

    def test_no_start_is_null(self):
        assert SyncStats.zero().to_dict()["session_start"] is None
        assert SyncStats.from_dict(SyncStats.zero().to_dict()) == SyncStats.zero()

    def test_it_shares_nothing(self, stats):
        stats.record_failure("A", 1)
        before = stats.copy()

        document = stats.to_dict()
        document["errors_by_type"].clear()
        document["latency"]["counts"].clear()

        assert stats == before

    def test_a_huge_total_is_a_plain_float(self, stats):
        stats.total_processing_time_ns = MAX_COUNT

        assert type(stats.to_dict()["total_processing_time"]) is float


BAD_COUNTS = [None, True, -1, "1", 5.5, 5.0, math.nan, 2**63, [], {}]


BAD_FIELDS = [
    *((name, value) for name in COUNTS for value in BAD_COUNTS),
    *(("total_processing_time_ns", value) for value in BAD_COUNTS),
    *(
        ("total_processing_time", value)
        for value in (None, True, -1, "1", math.nan, math.inf, 2**63, 1e10, [])
    ),
    *(("session_start", value) for value in (True, -1, "1", math.nan, math.inf, 2.0**63, 10**400)),
    ("session_start", 2**63 - 1),  # the float nearest to it is 2^63
    *(("errors_by_type", value) for value in (None, [], "A", 1)),
    *(("errors_by_type", {"A": value}) for value in BAD_COUNTS),
    ("errors_by_type", {"": 1}),
    *((name, value) for name in ("latency", "waiting") for value in (None, [], {}, 5)),
]


class TestFromDict:
    @pytest.mark.parametrize(("name", "value"), BAD_FIELDS)
    def test_what_cannot_be_is_refused_by_name(self, name, value):
        with pytest.raises(StatsError, match=name):
            SyncStats.from_dict({name: value})

    @pytest.mark.parametrize("data", [None, [], "text", 5, True])
    def test_what_is_no_object_is_refused(self, data):
        with pytest.raises(StatsError, match="object"):
            SyncStats.from_dict(data)

    def test_more_ended_than_processed_is_refused(self):
        with pytest.raises(StatsError, match="jobs_processed"):
            SyncStats.from_dict({"jobs_processed": 2, "jobs_succeeded": 2, "jobs_failed": 1})

    def test_more_dead_than_failed_is_refused(self):
        with pytest.raises(StatsError, match="jobs_to_dlq"):
            SyncStats.from_dict({"jobs_processed": 2, "jobs_failed": 1, "jobs_to_dlq": 2})

    def test_an_exact_total_that_does_not_agree_is_refused(self):
        with pytest.raises(StatsError, match="total_processing_time_ns"):
            SyncStats.from_dict({"total_processing_time": 1, "total_processing_time_ns": 5})

    def test_either_total_will_do(self):
        seconds = SyncStats.from_dict({"total_processing_time": 1.5})
        exact = SyncStats.from_dict({"total_processing_time_ns": 1_500_000_000})

        assert seconds.total_processing_time_ns == exact.total_processing_time_ns == 1_500_000_000

    def test_missing_keys_are_defaults_and_unknown_ones_are_left_alone(self):
        before = time.time()

        stats = SyncStats.from_dict({"jobs_skipped": 3, "streams": {}, "success_rate": "?"})

        assert before <= stats.session_start <= time.time()
        assert stats == SyncStats(session_start=stats.session_start, jobs_skipped=3)


class TestFile:
    def test_save_creates_the_file(self, stats, path):
        stats.record_success(1.5)

        stats.save_to_file(path)

        document = json.loads(path.read_text())
        assert {key: document[key] for key in stats.to_dict()} == stats.to_dict()

    def test_load_reads_it(self, path):
        path.write_text('{"jobs_processed": 1, "jobs_failed": 1, "session_start": 5}')

        loaded = SyncStats.load_from_file(path)

        assert loaded == SyncStats(jobs_processed=1, jobs_failed=1, session_start=5)

    def test_load_of_a_missing_file_is_fresh_stats(self, path):
        before = time.time()

        fresh = SyncStats.load_from_file(path)

        assert before <= fresh.session_start <= time.time()
        assert fresh == SyncStats(session_start=fresh.session_start)
        assert not path.exists()

    def test_save_merges(self, stats, path):
        other = SyncStats(session_start=7.0)
        stats.record_success(1.5)
        other.record_failure("A", 0.5)

        stats.save_to_file(path)
        other.save_to_file(path)

        assert SyncStats.load_from_file(path) == stats + other
