"""Summaries and a stats.json, or a log, that does not go on where they end."""

from __future__ import annotations

import pytest

from events.filesystem import REAL
from projections.placing import lies_on_log
from projections.runner import Runner
from projections.verify import verify
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import opened, succeeded
from tests.support.pruned_logs import (
    SEGMENTS,
    folder_of,
    prune_to,
    replayed,
    saved,
)


def test_an_older_stats_json_is_made_anew_from_summary_and_log(data):
    for first in (6, 9):
        segment(data, first=first).rename(data / str(first))
    old = saved(data)
    for first in (6, 9):
        (data / str(first)).rename(segment(data, first=first))
    new = saved(data)
    prune_to(data, 9)
    (data / "stats.json").write_bytes(old)
    found = verify(data)
    (difference,) = found.differences
    assert "covers it up to seq 6, its summary.json up to seq 8: an older copy" in difference
    notices = []
    runner = Runner(data, notice=notices.append)
    runner.start()
    runner.catch_up()
    runner.save()
    assert (data / "stats.json").read_bytes() == new
    assert "counts stream 'a' up to seq 6, its summary.json up to seq 8" in notices[0]
    assert verify(data).differences == ()


@pytest.mark.parametrize("end", [3, 6, 9])
def test_an_entry_lies_on_a_pruned_log_if_it_goes_on_from_the_summary(data, end):
    entry = replayed(data).streams["a"]
    prune_to(data, end)
    assert lies_on_log(entry, folder_of(data), REAL)
    other = data.parent / "other"
    for first, lines in SEGMENTS.items():
        changed = [line.replace(b'"epoch": "e', b'"epoch": "f') for line in lines]
        append(segment(other, first=first), *changed)
    assert not lies_on_log(replayed(other).streams["a"], folder_of(data), REAL)


def test_its_last_seq_and_its_opening_may_be_pruned(data):
    append(segment(data, "c"), opened(0, "x", "c"), succeeded(1, "c"))
    append(segment(data, "c", 2), b"not json\n", succeeded(1, "c"))
    entry = replayed(data).streams["c"]
    prune_to(data, 2, "c")
    assert lies_on_log(entry, folder_of(data, "c"), REAL)


def test_an_entry_that_lacks_something_of_the_summary_does_not_lie_on_the_log(data):
    """As one that was made when the pruned part had lost its lines."""
    prune_to(data, 6)
    fewer = data.parent / "fewer"
    for first in (6, 9):
        append(segment(fewer, first=first), *SEGMENTS[first])
    assert not lies_on_log(replayed(fewer).streams["a"], folder_of(data), REAL)


def test_a_log_that_does_not_go_on_where_its_summary_ends_is_told(data):
    saved(data)
    prune_to(data, 6)
    segment(data, first=6).unlink()
    found = verify(data)
    assert not found.ok
    (broken,) = found.breaks
    assert broken.startswith("stream 'a': its summary.json ends at seq 6, but the log after that")
    assert broken.endswith("begins at seq 9: segments are missing")
    segment(data, first=9).unlink()
    (data / "stats.json").unlink()
    found = verify(data)
    assert not found.ok
    assert "is empty: segments are missing" in found.breaks[0]
