from __future__ import annotations

import dataclasses
import json
import math
import pickle
from copy import copy, deepcopy
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.laws import assert_commutative_monoid
from tests.support.strategies import durations_ns, error_counts, histograms, sync_stats
from worker import error_counts as bounds
from worker.histogram import Histogram, read_histogram
from worker.stats import OTHER_ERRORS, SyncStats

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=[2, 1000], scope="module")
def bound(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many error types are kept: few, so that it is met in every other example, and all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bounds, "MAX_ERROR_TYPES", request.param)
        yield request.param


def as_bytes(stats: SyncStats) -> bytes:
    return json.dumps(stats.to_dict()).encode()


@pytest.mark.usefixtures("bound")
def test_stats_are_a_commutative_monoid():
    assert_commutative_monoid(sync_stats(), SyncStats.merge, SyncStats.zero())


def test_histograms_are_a_commutative_monoid():
    assert_commutative_monoid(histograms(), Histogram.merge, Histogram())


@pytest.mark.usefixtures("bound")
def test_error_maps_are_a_commutative_monoid():
    def merge(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
        merged = dict(a)
        bounds.add_counts(merged, b)
        return merged

    bounded = error_counts().map(lambda errors: merge({}, errors))
    assert_commutative_monoid(bounded, merge, {})


@pytest.mark.usefixtures("bound")
@settings(deadline=None)
@given(st.lists(sync_stats(), max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_tree_of_merges_gives_the_same_bytes(parts, random):
    expected = as_bytes(SyncStats.merge_all(parts))

    while len(parts) > 1:
        random.shuffle(parts)
        parts.append(parts.pop().merge(parts.pop()))

    assert as_bytes(parts[0] if parts else SyncStats.zero()) == expected


@settings(deadline=None)
@given(sync_stats())
def test_what_is_written_is_read_again(stats):
    assert SyncStats.from_dict(json.loads(as_bytes(stats))) == stats


@settings(deadline=None)
@given(histograms())
def test_a_histogram_that_is_written_is_read_again(histogram):
    assert read_histogram("latency", json.loads(json.dumps(histogram.to_dict()))) == histogram


@settings(deadline=None)
@given(sync_stats())
def test_copies_of_every_kind_are_equal(stats):
    for twin in (
        copy(stats),
        deepcopy(stats),
        pickle.loads(pickle.dumps(stats)),
        dataclasses.replace(stats),
    ):
        assert twin == stats


@pytest.mark.usefixtures("bound")
@settings(deadline=None)
@given(st.lists(error_counts(), min_size=1, max_size=4))
def test_no_error_is_lost_and_names_are_bounded(maps):
    small = [{name: count % 1000 for name, count in errors.items()} for errors in maps]
    merged = SyncStats.merge_all(SyncStats(errors_by_type=errors) for errors in small)

    errors = merged.errors_by_type
    assert sum(errors.values()) == sum(sum(errors.values()) for errors in small)
    assert len(errors.keys() - {OTHER_ERRORS}) <= bounds.MAX_ERROR_TYPES
    for name in errors.keys() - {OTHER_ERRORS}:
        assert errors[name] == sum(errors.get(name, 0) for errors in small), "a kept name is exact"


small_counts = st.dictionaries(st.sampled_from("ABCDEFGHIJ"), st.integers(1, 9))


@pytest.mark.usefixtures("bound")
@settings(deadline=None)
@given(small_counts, small_counts, st.lists(durations_ns()), st.lists(durations_ns()))
def test_what_was_added_can_be_told_from_the_whole(errors, more_errors, durations, more_durations):
    part = SyncStats(session_start=math.inf, errors_by_type=errors)
    part.latency.record_many(durations)
    more = SyncStats(session_start=math.inf, errors_by_type=more_errors)
    more.latency.record_many(more_durations)
    whole = part.merge(more)

    rest = whole.minus(part)

    assert part.merge(rest) == whole
    if sum(map(sum, (durations, more_durations))) < 2**63:
        assert SyncStats.from_dict(rest.to_dict()) == rest, "and is believed when read"


@settings(deadline=None)
@given(st.lists(durations_ns(), min_size=1), st.integers(0, 1000))
def test_a_quantile_is_that_of_the_sorted_list_within_the_promised_error(durations, permille):
    q = permille / 1000
    histogram = Histogram()
    histogram.record_many(durations)
    exact = sorted(durations)[max(-(-permille * len(durations) // 1000), 1) - 1] / 10**9

    shown = histogram.quantile(q)

    assert math.isclose(shown, exact, rel_tol=0, abs_tol=exact * 0.0054153)
    assert min(durations) / 10**9 <= shown <= max(durations) / 10**9


@settings(deadline=None)
@given(durations_ns().filter(bool))
def test_a_duration_lies_in_its_bucket(duration_ns):
    histogram = Histogram()
    histogram.record(duration_ns)

    (index,) = histogram.counts

    # 2^(index/64) < duration <= 2^((index+1)/64), in whole numbers
    assert duration_ns**64 <= 2 ** (index + 1)
    assert index < 0 or duration_ns**64 > 2**index


@settings(deadline=None)
@given(st.lists(durations_ns()), st.integers(0, 99))
def test_recording_at_once_is_recording_in_parts(durations, cut):
    at_once, one_by_one = Histogram(), Histogram()
    at_once.record_many(durations)
    one_by_one.record_many(durations[:cut])
    for duration in durations[cut:]:
        one_by_one.record(duration)

    assert at_once == one_by_one
