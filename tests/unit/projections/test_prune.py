"""What a prune removes, and that no number changes; trying it changes nothing at all."""

from __future__ import annotations

import json

import pytest

from events.filesystem import REAL
from projections.prune import prune
from projections.pruned import Keep
from projections.runner import Runner
from projections.summary import read_summary
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded
from tests.support.prunable_folders import DAY, replayed


def test_what_is_older_than_the_age_goes_and_no_number_changes(folder):
    before = replayed(folder.data)
    done = folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [30, 40], "of the third day an event is not older"
    assert folder.firsts("b") == [30]
    assert (done.streams["a"].removed_segments, done.streams["a"].removed_lines) == (3, 30)
    assert (done.streams["a"].first_seq, done.streams["b"].first_seq) == (30, 30)
    assert done.streams["a"].why is None
    assert done.ok
    assert (folder.data / "stats.json").read_bytes() == before
    assert replayed(folder.data) == before
    (folder.data / "stats.json").unlink()
    Runner(folder.data).rebuild()
    assert (folder.data / "stats.json").read_bytes() == before
    assert done.bytes_after == folder.bytes()
    assert done.bytes_before - done.bytes_after == sum(
        report.removed_bytes for report in done.streams.values()
    )


def test_the_age_is_that_of_the_newest_event(folder):
    append(segment(folder.data, first=0), succeeded(3, at=4 * DAY))
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [0, 10, 20, 30, 40], "and what follows is younger, or in its way"


def test_a_segment_without_any_time_is_not_new(folder):
    segment(folder.data, first=0).write_bytes(b"no json\n" * 3)
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [30, 40]


@pytest.mark.parametrize(
    ("segments", "a", "b"),
    [
        (7, [0, 10, 20, 30, 40], [20, 30]),
        (6, [10, 20, 30, 40], [20, 30]),
        (5, [20, 30, 40], [20, 30]),
        (4, [30, 40], [20, 30]),  # of one age, the first by name goes first
        (3, [30, 40], [30]),
        (1, [40], [30]),
    ],
)
def test_the_oldest_of_all_streams_go_until_the_size_is_met(folder, segments, a, b):
    before = replayed(folder.data)
    size = segments * max(p.stat().st_size for p in folder.data.rglob("*.jsonl"))
    done = folder.prune(Keep(size=size))
    assert (folder.firsts("a"), folder.firsts("b")) == (a, b)
    assert done.bytes_after == folder.bytes()
    assert (folder.data / "stats.json").read_bytes() == replayed(folder.data) == before


def test_both_forms_of_a_segment_are_weighed_and_go(folder):
    compress(segment(folder.data, first=0), ".zst", keep=True)
    compress(segment(folder.data, first=10), ".gz")
    done = folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [30, 40]
    assert done.bytes_after == folder.bytes()


def test_pruning_again_adds_to_the_summary(folder):
    before = replayed(folder.data)
    for day in (3, 4, 5, 6):
        folder.prune(Keep(age_s=2 * DAY), day=day)
        assert replayed(folder.data) == before
    summary = read_summary(folder.data / "events" / "a", REAL)
    assert (summary.end, summary.lines) == (40, 40)
    assert not any(report.removed_segments for report in folder.prune().streams.values())


def test_stats_are_brought_up_to_date_first(folder):
    Runner(folder.data).rebuild()
    folder.write("a", 5)
    folder.write("a", 6)
    folder.prune(Keep(age_s=DAY))
    assert folder.firsts("a") == [60]
    assert json.loads((folder.data / "stats.json").read_bytes())["streams"]["a"]["position"] == {
        "epoch": "e6",
        "seq": 70,
        "segment": 60,
        "offset": segment(folder.data, first=60).stat().st_size,
    }


def test_without_a_log_there_is_nothing_to_do(tmp_path):
    done = prune(tmp_path, Keep(age_s=1), lease_seq=lambda _: None)
    assert (done.streams, done.bytes_before, done.bytes_after) == ({}, 0, 0)


@pytest.mark.parametrize("keep", [None, Keep(age_s=2.5 * DAY), Keep(size=2000)])
@pytest.mark.parametrize("with_stats", [True, False])
def test_a_dry_run_says_what_would_be_done_and_changes_nothing(folder, keep, with_stats):
    if with_stats:
        Runner(folder.data).rebuild()
    before = {path: path.read_bytes() for path in folder.data.rglob("*") if path.is_file()}
    dry = folder.prune(keep, day=5, dry_run=True)
    assert {p: p.read_bytes() for p in folder.data.rglob("*") if p.is_file()} == before
    done = folder.prune(keep, day=5)
    assert dry == done


def test_a_dry_run_counts_what_would_be_compressed(folder):
    dry = folder.prune(Keep(age_s=2.5 * DAY), compress=True, dry_run=True, day=5)
    assert [report.compressed_segments for report in dry.streams.values()] == [1, 0]
