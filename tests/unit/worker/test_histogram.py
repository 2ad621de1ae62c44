from __future__ import annotations

import math
from bisect import bisect_left
from copy import copy

import pytest

from worker.buckets import HIGHEST_INDEX, SCALE, bounds, octave
from worker.histogram import Histogram, read_histogram

LARGEST = 2**63 - 1


def histogram_of(*durations_ns: int) -> Histogram:
    histogram = Histogram()
    histogram.record_many(durations_ns)
    return histogram


class TestBounds:
    def test_an_octave_is_cut_by_exact_roots(self):
        for k, bound in enumerate(octave()):
            assert bound**64 <= 2 ** (64 * 62 + k) < (bound + 1) ** 64

    def test_they_rise_over_all_durations(self):
        assert list(bounds()) == sorted(bounds())
        assert bisect_left(bounds(), LARGEST) == HIGHEST_INDEX + 2

    @pytest.mark.parametrize(
        ("duration_ns", "index"),
        # From the definition: ceil(64 * log2(duration)) - 1.
        [(1, -1), (2, 63), (3, 101), (4, 127), (5, 148), (1_000_000_000, 1913), (LARGEST, 4031)],
    )
    def test_a_duration_lies_in_the_bucket_of_the_definition(self, duration_ns, index):
        assert histogram_of(duration_ns).counts == {index: 1}

    @pytest.mark.parametrize("exponent", range(1, 63))
    def test_a_power_of_two_ends_its_bucket(self, exponent):
        (last,) = histogram_of(2**exponent).counts
        (next_one,) = histogram_of(2**exponent + 1).counts

        assert last == 64 * exponent - 1
        assert next_one > last

    def test_no_time_has_a_bucket_of_its_own(self):
        histogram = histogram_of(0, 0, 1)

        assert (histogram.zero, histogram.counts) == (2, {-1: 1})


class TestQuantile:
    def test_of_nothing_is_zero(self):
        assert [Histogram().quantile(q) for q in (0, 0.5, 1)] == [0.0, 0.0, 0.0]

    def test_the_ends_are_exact(self):
        histogram = histogram_of(1_234_567, 5_000_000, 9_876_543)

        assert (histogram.quantile(0), histogram.quantile(1.0)) == (0.001234567, 0.009876543)

    def test_of_one_value_is_that_value(self):
        histogram = histogram_of(123_456_789)

        assert {histogram.quantile(q / 10) for q in range(11)} == {0.123456789}

    def test_is_the_nearest_rank(self):
        histogram = histogram_of(*(n * 10**9 for n in range(1, 101)))

        for percent in range(1, 101):
            shown = histogram.quantile(percent / 100)
            assert math.isclose(shown, percent, rel_tol=0.0054153), percent

    def test_zeros_count(self):
        histogram = histogram_of(0, 0, 0, 10**9)

        assert [histogram.quantile(q) for q in (0.75, 0.76)] == [0.0, 1.0]

    def test_is_never_outside_of_what_was_recorded(self):
        # Both ends of one bucket, whose representative lies between them or beyond either.
        for durations in ([1000, 1000, 1000], [1001, 1002, 1003], [1007, 1008, 1009]):
            shown = histogram_of(*durations).quantile(0.5)
            assert durations[0] / 10**9 <= shown <= durations[-1] / 10**9

    @pytest.mark.parametrize("q", [-0.1, 1.0001, math.nan, math.inf, -1, 2])
    def test_a_share_that_is_none_is_refused(self, q):
        for histogram in (Histogram(), histogram_of(1)):
            with pytest.raises(ValueError, match="q must be from 0 to 1"):
                histogram.quantile(q)


class TestSums:
    def test_counts_and_sums_stop_at_the_largest_number(self):
        full = Histogram({5: LARGEST}, LARGEST, LARGEST, 0, 40)

        assert full.merge(histogram_of(0, 1)) == Histogram(
            {5: LARGEST, -1: 1}, LARGEST, LARGEST, 0, 40
        )

    def test_nothing_recorded_changes_nothing(self):
        histogram = histogram_of(5)

        histogram.record_many([])

        assert histogram == histogram_of(5) == histogram + Histogram() == Histogram() + histogram

    def test_a_copy_shares_nothing(self):
        histogram = histogram_of(5)

        copy(histogram).record(5)

        assert histogram.count == 1

    def test_minus_keeps_within_its_own_buckets(self):
        rest = histogram_of(0, 7, 10**6, 10**9).minus(histogram_of(0, 10**9))

        assert (rest.count, rest.sum_ns) == (2, 1_000_007)
        assert read_histogram("latency", rest.to_dict()) == rest
        assert histogram_of(0, 10**9).merge(rest) == histogram_of(0, 7, 10**6, 10**9)

    def test_minus_itself_is_nothing(self):
        assert histogram_of(0, 7).minus(histogram_of(0, 7)) == Histogram()

    def test_its_repr_is_short(self):
        assert repr(histogram_of(*range(999))) == "Histogram(count=999, min_ns=0, max_ns=998)"


class TestJson:
    def test_it_is_sparse_and_in_order(self):
        histogram = histogram_of(10**9, 1, 0, 2)

        document = histogram.to_dict()

        assert document == {
            "scale": SCALE,
            "zero": 1,
            "counts": {"-1": 1, "63": 1, "1913": 1},
            "sum_ns": 1_000_000_003,
            "min_ns": 0,
            "max_ns": 10**9,
        }
        assert list(document["counts"]) == ["-1", "63", "1913"]
        assert read_histogram("latency", document) == histogram

    def test_of_nothing(self):
        assert read_histogram("latency", Histogram().to_dict()) == Histogram()

    @pytest.mark.parametrize(
        "change",
        [
            {"scale": 5},
            {"scale": "6"},
            {"scale": None},
            {"zero": -1},
            {"zero": None},
            {"sum_ns": 1.5},
            {"min_ns": None},
            {"max_ns": 2**63},
            {"counts": None},
            {"counts": []},
            {"counts": {"063": 2}},
            {"counts": {"63.0": 2}},
            {"counts": {"": 2}},
            {"counts": {"-2": 2}},
            {"counts": {"4032": 2}},
            {"counts": {"99999": 2}},
            {"counts": {"\u0666\u0663": 2}},
            {"counts": {"63": 0}},
            {"counts": {"63": True}},
            {"counts": {}},
            {"min_ns": 1},
            {"max_ns": 3},
            {"zero": 1},
        ],
    )
    def test_what_cannot_be_is_refused_by_name(self, change):
        with pytest.raises((TypeError, ValueError), match="latency"):
            read_histogram("latency", {**histogram_of(2, 2).to_dict(), **change})

    def test_a_shortest_above_the_longest_is_refused_also_within_one_bucket(self):
        document = histogram_of(999_999, 10**6).to_dict()
        assert document["counts"] == {"1275": 2}
        with pytest.raises(ValueError, match="min_ns is above"):
            read_histogram("latency", {**document, "min_ns": 10**6, "max_ns": 999_999})

    @pytest.mark.parametrize("value", [None, [], "text", 5])
    def test_what_is_no_object_is_refused(self, value):
        with pytest.raises(TypeError, match="waiting"):
            read_histogram("waiting", value)
