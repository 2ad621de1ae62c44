"""Hypothesis strategies for the project's values, extreme ones included."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from worker.histogram import Histogram
from worker.stats import MAX_COUNT, MAX_ERROR_NAME, OTHER_ERRORS, SyncStats

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy


def counts() -> SearchStrategy[int]:
    """Counts: small ones, those near the largest, and any between."""
    near_the_largest = st.integers(MAX_COUNT - 9, MAX_COUNT)
    return st.integers(0, 9) | near_the_largest | st.integers(0, MAX_COUNT)


def durations_ns() -> SearchStrategy[int]:
    """Nanoseconds: everyday ones, none, the longest, and the neighbours of powers of two."""
    beside_a_power = st.builds(lambda e, d: 2**e + d, st.integers(1, 62), st.integers(-1, 1))
    return st.integers(10**5, 10**11) | st.integers(0, 99) | beside_a_power | counts()


def error_names() -> SearchStrategy[str]:
    """Names of error types: a few that meet often, our own, any text, and too long ones."""
    few = st.sampled_from([*"ABCDEFGH", "PlexNotFound", "unknown", OTHER_ERRORS])
    any_text = st.text(st.characters(exclude_categories=()), min_size=1, max_size=9)
    around_the_limit = st.integers(MAX_ERROR_NAME - 1, MAX_ERROR_NAME + 2).map(lambda n: "n" * n)
    return few | any_text | around_the_limit


def error_counts() -> SearchStrategy[dict[str, int]]:
    """How often each error type was seen."""
    return st.dictionaries(error_names(), counts(), max_size=8)


def histograms() -> SearchStrategy[Histogram]:
    """Histograms of some durations, at times merged with themselves until their sums stop."""

    def build(durations: list[int], doublings: int) -> Histogram:
        histogram = Histogram()
        histogram.record_many(durations)
        for _ in range(doublings):
            histogram = histogram.merge(histogram)
        return histogram

    return st.builds(build, st.lists(durations_ns(), max_size=20), st.sampled_from([0, 0, 1, 65]))


@st.composite
def sync_stats(draw: DrawFn) -> SyncStats:
    """Stats such as a reader believes: no more ended than were processed, nor died than failed."""
    dead, alive = draw(counts()), draw(counts())
    failed = min(dead + alive, MAX_COUNT)
    succeeded, more = draw(counts()), draw(st.just(0) | counts())
    moments = st.floats(0, 2**62) | st.integers(0, 10**10).map(float) | st.just(math.inf)
    stats = SyncStats(
        min(succeeded + failed + more, MAX_COUNT),
        succeeded,
        failed,
        dead,
        session_start=draw(moments),
        errors_by_type=draw(error_counts()),
        high_confidence_matches=draw(counts()),
        low_confidence_matches=draw(counts()),
        jobs_skipped=draw(counts()),
        jobs_retried=draw(counts()),
        jobs_recovered=draw(counts()),
        jobs_with_warnings=draw(counts()),
        latency=draw(histograms()),
        waiting=draw(histograms()),
    )
    stats.total_processing_time_ns = draw(durations_ns())
    return stats
