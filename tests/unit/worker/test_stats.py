from __future__ import annotations

import dataclasses
import json
import math
import pickle
import subprocess
import sys
import time
from copy import copy, deepcopy
from pathlib import Path

import pytest

import worker.stats
from worker.error_counts import OWN_NAMES
from worker.errors import StatsError
from worker.histogram import Histogram
from worker.stats import MAX_COUNT, MAX_ERROR_NAME, MAX_ERROR_TYPES, OTHER_ERRORS, SyncStats
from worker.tally import OutcomeTally

NINE = [
    "jobs_processed",
    "jobs_succeeded",
    "jobs_failed",
    "jobs_to_dlq",
    "total_processing_time",
    "session_start",
    "errors_by_type",
    "high_confidence_matches",
    "low_confidence_matches",
]
LATER = ["jobs_skipped", "jobs_retried", "jobs_recovered", "jobs_with_warnings"]
COPIES = [
    SyncStats.copy,
    copy,
    deepcopy,
    lambda stats: pickle.loads(pickle.dumps(stats)),
    dataclasses.replace,
]
NO_TIMES = [
    (math.nan, ValueError),
    (math.inf, ValueError),
    (-math.inf, ValueError),
    (-0.001, ValueError),
    (-1, ValueError),
    ("1", TypeError),
    (None, TypeError),
    (True, TypeError),
    (1j, TypeError),
    ([], TypeError),
]


@pytest.fixture
def stats() -> SyncStats:
    return SyncStats(session_start=1000.5)


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

    @pytest.mark.parametrize("name", [*NINE[:4], *NINE[7:], *LATER])
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


class TestRecordSuccess:
    def test_it_counts_the_attempt_and_its_time(self, stats):
        stats.record_success(1.5)

        assert stats == SyncStats(
            jobs_processed=1,
            jobs_succeeded=1,
            total_processing_time=1.5,
            session_start=1000.5,
            high_confidence_matches=1,
            latency=stats.latency,
        )
        assert (stats.latency.count, stats.latency.max_ns) == (1, 1_500_000_000)

    def test_high_confidence(self, stats):
        stats.record_success(1, confidence="high")
        stats.record_success(1, "high")

        assert (stats.high_confidence_matches, stats.low_confidence_matches) == (2, 0)

    @pytest.mark.parametrize("confidence", ["low", "", "HIGH", None, 1, True])
    def test_anything_else_is_low_confidence(self, stats, confidence):
        stats.record_success(1, confidence=confidence)

        assert (stats.high_confidence_matches, stats.low_confidence_matches) == (0, 1)

    @pytest.mark.parametrize(("value", "error"), NO_TIMES)
    def test_what_is_no_time_counts_nothing(self, stats, value, error):
        with pytest.raises(error, match="processing_time"):
            stats.record_success(value)

        assert stats == SyncStats(session_start=1000.5)


class TestRecordFailure:
    def test_it_counts_the_attempt_its_time_and_its_error(self, stats):
        stats.record_failure("PlexNotFound", 0.5)

        assert stats == SyncStats(
            jobs_processed=1,
            jobs_failed=1,
            total_processing_time=0.5,
            session_start=1000.5,
            errors_by_type={"PlexNotFound": 1},
            jobs_retried=1,
            latency=stats.latency,
        )
        assert (stats.latency.count, stats.latency.max_ns) == (1, 500_000_000)

    def test_a_dead_letter_is_not_retried(self, stats):
        stats.record_failure("PermanentError", 1.0, to_dlq=True)
        stats.record_failure("PermanentError", 1.0, True)
        stats.record_failure("PermanentError", 1.0)

        assert (stats.jobs_failed, stats.jobs_to_dlq, stats.jobs_retried) == (3, 2, 1)

    def test_error_types_are_counted_apart(self, stats):
        for name in ["A", "B", "A"]:
            stats.record_failure(name, 0)

        assert stats.errors_by_type == {"A": 2, "B": 1}

    @pytest.mark.parametrize(("value", "error"), NO_TIMES)
    def test_what_is_no_time_counts_nothing(self, stats, value, error):
        with pytest.raises(error, match="processing_time"):
            stats.record_failure("A", value)

        assert stats == SyncStats(session_start=1000.5)

    @pytest.mark.parametrize(
        ("value", "error"),
        [("", ValueError), (None, TypeError), (ValueError, TypeError), (b"A", TypeError)],
    )
    def test_what_is_no_error_type_counts_nothing(self, stats, value, error):
        with pytest.raises(error, match="error_type"):
            stats.record_failure(value, 1.0)

        assert stats == SyncStats(session_start=1000.5)


def test_a_skip_is_counted_apart_and_without_its_time(stats):
    stats.record_skip()
    stats.record_skip(5.0)

    assert stats == SyncStats(session_start=1000.5, jobs_skipped=2)
    with pytest.raises(ValueError, match="processing_time"):
        stats.record_skip(-1)
    assert stats.jobs_skipped == 2


class TestErrorBound:
    def test_the_smallest_ranks_are_kept_and_the_rest_is_summed(self, stats):
        for number in range(MAX_ERROR_TYPES + 100):
            stats.record_failure(f"E{number}", 0)
            stats.record_failure(f"E{number}", 0)

        assert len(stats.errors_by_type) == MAX_ERROR_TYPES + 1
        assert stats.errors_by_type[OTHER_ERRORS] == 200
        assert stats.jobs_failed == sum(stats.errors_by_type.values()) == 2200

    def test_it_does_not_matter_when_a_name_came(self):
        names = [f"E{number}" for number in range(MAX_ERROR_TYPES + 100)]
        forwards, backwards = SyncStats(session_start=0), SyncStats(session_start=0)
        for name, other in zip(names, reversed(names), strict=True):
            forwards.record_failure(name, 0)
            backwards.record_failure(other, 0)

        assert forwards == backwards == forwards.merge(SyncStats.zero())

    def test_our_own_names_are_always_kept(self):
        own = dict.fromkeys(OWN_NAMES, 1)
        strange = {f"E{number}": 1 for number in range(MAX_ERROR_TYPES)}

        kept = SyncStats(errors_by_type={**strange, **own}).errors_by_type

        assert own.items() <= kept.items()
        assert kept[OTHER_ERRORS] == len(OWN_NAMES)

    def test_a_long_name_is_summed_with_the_rest(self, stats):
        stats.record_failure("n" * MAX_ERROR_NAME, 0)
        stats.record_failure("n" * (MAX_ERROR_NAME + 1), 0)

        assert stats.errors_by_type == {"n" * MAX_ERROR_NAME: 1, OTHER_ERRORS: 1}

    def test_a_name_that_no_utf8_can_write_has_a_rank_too(self):
        names = {f"\ud800{number}": 1 for number in range(MAX_ERROR_TYPES + 1)}

        kept = SyncStats(errors_by_type=names)

        assert kept.errors_by_type[OTHER_ERRORS] == 1
        assert SyncStats.from_dict(json.loads(json.dumps(kept.to_dict()))) == kept


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


@pytest.mark.parametrize("make", COPIES)
def test_a_copy_shares_nothing(stats, make):
    stats.record_failure("A", 1)
    before = deepcopy(stats)

    twin = make(stats)
    twin.record_failure("A", 2)
    twin.waiting.record(5)

    assert stats == before


@pytest.mark.parametrize("name", [*NINE[:4], *NINE[7:], *LATER])
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


class TestAddTally:
    def test_it_adds_what_recording_one_by_one_adds(self, stats):
        one_by_one = stats.copy()
        one_by_one.record_success(0.5)
        one_by_one.record_success(0.25, "low")
        one_by_one.record_failure("A", 1)
        one_by_one.record_failure("B", 2, to_dlq=True)
        one_by_one.record_skip(9)

        stats.add(
            OutcomeTally(
                succeeded=2,
                failed=2,
                to_dlq=1,
                skipped=1,
                retried=1,
                high=1,
                low=1,
                errors={"A": 1, "B": 1},
                time_ns=3_750_000_000,
                latency_ns=[500_000_000, 250_000_000, 1_000_000_000, 2_000_000_000],
            ),
        )

        assert stats == one_by_one

    def test_it_adds_what_only_a_log_tells(self, stats):
        stats.add(OutcomeTally(recovered=2, with_warnings=3, waiting_ns=[5], earliest_us=7_250_000))

        assert (stats.jobs_recovered, stats.jobs_with_warnings) == (2, 3)
        assert (stats.waiting.count, stats.waiting.max_ns) == (1, 5)
        assert stats.session_start == 7.25

    def test_a_later_start_and_none_change_nothing(self, stats):
        stats.add(OutcomeTally(earliest_us=2_000_000_000))
        stats.add(OutcomeTally())

        assert stats.session_start == 1000.5

    def test_a_time_before_1970_counts_as_1970(self, stats):
        stats.add(OutcomeTally(earliest_us=-1))

        assert stats.session_start == 0.0
        assert SyncStats.from_dict(stats.to_dict()) == stats

    def test_sums_stop_and_names_are_bounded(self, stats):
        tally = OutcomeTally(
            succeeded=MAX_COUNT,
            failed=MAX_COUNT,
            time_ns=MAX_COUNT,
            errors={f"E{number}": MAX_COUNT for number in range(MAX_ERROR_TYPES + 2)},
        )
        stats.add(tally)
        stats.add(tally)

        assert stats.jobs_processed == stats.jobs_succeeded == MAX_COUNT
        assert stats.total_processing_time_ns == MAX_COUNT
        assert set(stats.errors_by_type.values()) == {MAX_COUNT}
        assert len(stats.errors_by_type) == MAX_ERROR_TYPES + 1
        assert SyncStats.from_dict(stats.to_dict()) == stats


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
    *((name, value) for name in [*NINE[:4], *NINE[7:], *LATER] for value in BAD_COUNTS),
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
    """The short of it; all else is in test_stats_file.py."""

    @pytest.fixture
    def path(self, tmp_path) -> Path:
        return tmp_path / "stats.json"

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
