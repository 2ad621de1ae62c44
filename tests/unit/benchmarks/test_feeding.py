from __future__ import annotations

import pytest

from benchmarks.feeding import delays_s
from benchmarks.runs import WayError

WRITTEN = [(10.0, 100), (11.0, 200), (12.0, 300)]


def test_events_are_late_by_the_time_until_all_of_their_write_were_seen():
    assert delays_s(WRITTEN, [(10.5, 99), (10.75, 150), (14.0, 300)]) == [0.75, 3.0, 2.0]


def test_what_is_seen_before_its_write_has_ended_is_not_late():
    assert delays_s(WRITTEN, [(9.5, 300)]) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("seen", [[], [(10.5, 299)]])
def test_a_follower_that_does_not_show_all_is_refused(seen):
    with pytest.raises(WayError, match=r"of [123]00 events"):
        delays_s(WRITTEN, seen)
