from __future__ import annotations

import pytest

from benchmarks.totals import Totals, TotalsError, check, from_groups

GROUPS = [
    ("job.succeeded", None, 5, 50),
    ("job.failed", "A", 2, 20),
    ("job.failed", "B", 1, 7),
    ("job.skipped", None, 3, 1000),
    ("batch.summary", None, 4, None),
    ("stream.opened", None, 1, None),
]
TOTALS = Totals(5, 3, 3, 5, {"A": 2, "B": 1}, 77)


def test_groups_by_event_and_error_become_totals():
    assert from_groups(GROUPS) == TOTALS
    assert TOTALS.lines == 16


def test_failures_without_an_error_are_one_type_however_they_are_told():
    groups = [("job.failed", error, count, 0) for error, count in ((None, 2), ("", 3), ("A", 1))]
    assert from_groups(groups).errors == {"unknown": 5, "A": 1}


@pytest.mark.parametrize(
    "other",
    [
        Totals(4, 3, 3, 5, {"A": 2, "B": 1}, 77),
        Totals(5, 3, 3, 5, {"A": 3}, 77),
        Totals(5, 3, 3, 5, {"A": 2, "B": 1}, 78),
    ],
)
def test_who_counts_something_else_is_named(other):
    with pytest.raises(TotalsError, match=r"^somebody counted something else: "):
        check("somebody", other, TOTALS)


def test_what_a_peer_cannot_tell_is_not_compared():
    check("somebody", Totals(5, 3, 3, 5, {"A": 2, "B": 1}), TOTALS, frozenset({"duration_ns"}))
