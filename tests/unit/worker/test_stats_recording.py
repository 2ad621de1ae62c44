"""Attempts that are recorded, one by one and as a tally."""

from __future__ import annotations

import json

import pytest

from tests.support.stats_fields import NO_TIMES
from worker.error_counts import OWN_NAMES
from worker.stats import MAX_COUNT, MAX_ERROR_NAME, MAX_ERROR_TYPES, OTHER_ERRORS, SyncStats
from worker.tally import OutcomeTally


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
