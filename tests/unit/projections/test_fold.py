"""What each line of ours counts for, and what an invalid or repeated one does not."""

from __future__ import annotations

import pytest

from projections.entry import MAX_EPOCHS
from projections.fold import Fold
from projections.snapshot import Snapshot
from tests.support.outcome_lines import failed, line, opened, skipped, succeeded
from worker.stats import SyncStats


def fold(*lines: bytes, folder: str | None = None) -> Snapshot:
    folded = Fold()
    folded.lines(b"".join(lines), folder=folder)
    return Snapshot(folded.entries())


def totals(*lines: bytes) -> SyncStats:
    return fold(*lines).total()


def test_a_success_is_counted_in_every_respect() -> None:
    stats = totals(succeeded(0, confidence="high", wait_ns=5, warnings=2, at=3.5))

    assert (stats.jobs_processed, stats.jobs_succeeded, stats.jobs_failed) == (1, 1, 0)
    assert stats.total_processing_time_ns == 100_000_000
    assert (stats.high_confidence_matches, stats.low_confidence_matches) == (1, 0)
    assert stats.jobs_with_warnings == 1
    assert stats.session_start == 1_767_225_603.5
    assert stats.latency.quantile(1) == 0.1
    assert stats.waiting.quantile(1) == 5e-9


@pytest.mark.parametrize("confidence", ["low", "", None, 3, ["high"]])
def test_any_other_confidence_is_low(confidence: object) -> None:
    stats = totals(succeeded(0, confidence=confidence))

    assert (stats.high_confidence_matches, stats.low_confidence_matches) == (0, 1)


def test_a_missing_confidence_is_high() -> None:
    assert totals(succeeded(0)).high_confidence_matches == 1


def test_a_success_at_a_later_attempt_is_recovered() -> None:
    assert totals(succeeded(0, attempt=1)).jobs_recovered == 0
    assert totals(succeeded(0, attempt=2)).jobs_recovered == 1


def test_failures_are_retried_or_dead() -> None:
    stats = totals(
        failed(0),
        failed(1, error_type="PermanentError", to_dlq=True),
        line("job.failed", "a", 2, duration_ns=1),
    )

    assert (stats.jobs_processed, stats.jobs_failed) == (3, 3)
    assert (stats.jobs_retried, stats.jobs_to_dlq) == (2, 1)
    assert stats.errors_by_type == {"PlexNotFound": 1, "PermanentError": 1, "unknown": 1}


def test_a_skipped_attempt_is_neither_success_nor_failure() -> None:
    stats = totals(skipped(0, duration_ns=10**9))

    assert (stats.jobs_skipped, stats.jobs_processed) == (1, 0)
    assert stats.total_processing_time_ns == 0


def test_seconds_are_read_where_nanoseconds_are_missing() -> None:
    both = succeeded(0, duration_ns=1, duration=9.0)
    seconds = line("job.succeeded", "a", 1, duration=0.1)
    neither = line("job.succeeded", "a", 2)

    assert totals(both, seconds, neither).total_processing_time_ns == 100_000_001


def test_other_events_are_carried_and_not_counted() -> None:
    snapshot = fold(opened(0, "e"), line("worker.started", "a", 1), line("batch.summary", "a", 2))

    assert snapshot.total() == SyncStats.zero()
    assert snapshot.streams["a"].seen == ((0, 3),)
    assert snapshot.streams["a"].epochs == (("e", 0),)
    assert snapshot.as_of_us is None


def test_the_same_line_again_counts_once() -> None:
    snapshot = fold(succeeded(0), succeeded(0), succeeded(1), succeeded(0))

    assert snapshot.total().jobs_processed == 2
    assert snapshot.duplicates == 2


def test_lines_out_of_order_all_count() -> None:
    snapshot = fold(succeeded(1), succeeded(0), succeeded(2))

    assert snapshot.total().jobs_processed == 3
    assert (snapshot.gaps, snapshot.duplicates) == (0, 0)


def test_a_hole_is_a_gap() -> None:
    snapshot = fold(succeeded(1), succeeded(2), succeeded(5))

    assert snapshot.streams["a"].gaps == ((0, 1), (3, 5))
    assert snapshot.gaps == 2


def test_a_line_without_stream_counts_each_time_it_stands_there() -> None:
    snapshot = fold(succeeded(None, None), succeeded(None, None))

    assert snapshot.total().jobs_processed == 2
    assert set(snapshot.streams) == {""}
    assert snapshot.gaps == 0


def test_an_invalid_line_is_counted_and_reported_with_its_place() -> None:
    reported: list[tuple[int, str]] = []
    folded = Fold()
    good = succeeded(0)

    folded.lines(
        good + b"not json\n\n  \r\n" + good[:-1] + b"x\n",
        offset=100,
        report=lambda offset, reason: reported.append((offset, reason)),
    )

    snapshot = Snapshot(folded.entries())
    assert snapshot.invalid_lines == 2
    assert [offset for offset, _ in reported] == [
        100 + len(good),
        100 + len(good) + len(b"not json\n\n  \r\n"),
    ]
    assert all(reason for _, reason in reported)
    assert snapshot.total().jobs_processed == 1


def test_only_what_json_takes_for_white_space_is_an_empty_line() -> None:
    assert fold(b"\n", b" \t\r\n", b"\0\0\n", b"\0 \n").invalid_lines == 0
    assert fold(b"\x0b\n", b"\x0c\n", b" \x00\n").invalid_lines == 3


def test_an_invalid_outcome_takes_its_seq_up() -> None:
    snapshot = fold(succeeded(0), succeeded(1, duration_ns=-1), succeeded(2))

    assert snapshot.invalid_lines == 1
    assert snapshot.gaps == 0
    assert snapshot.streams["a"].spoilt == ((1, 2),)
    assert snapshot.streams["a"].position.seq == 3


def test_an_invalid_line_never_hides_a_valid_one_of_its_seq() -> None:
    bad, good = succeeded(0, duration_ns=-1), succeeded(0)

    assert fold(bad, good) == fold(good, bad)
    assert fold(bad, good).total().jobs_processed == 1


def test_an_unknown_version_is_an_invalid_line_that_says_so() -> None:
    reported: list[str] = []

    Fold().lines(succeeded(0, v=2), report=lambda _, reason: reported.append(reason))

    assert len(reported) == 1
    assert "version" in reported[0]


def test_in_a_streams_folder_only_its_own_lines_belong() -> None:
    snapshot = fold(succeeded(0, "a"), succeeded(1, "b"), succeeded(None, None), folder="a")

    assert set(snapshot.streams) == {"a"}
    assert snapshot.invalid_lines == 2
    assert snapshot.total().jobs_processed == 1


def test_a_line_that_was_too_long_is_invalid() -> None:
    reported: list[tuple[int, str]] = []
    folded = Fold()

    folded.overlong(7, 2_000_000, report=lambda at, why: reported.append((at, why)))

    assert Snapshot(folded.entries()).invalid_lines == 1
    assert reported[0][0] == 7
    assert "2000000 bytes" in reported[0][1]


def test_only_the_last_epochs_are_kept() -> None:
    snapshot = fold(*[opened(n, f"e{n}") for n in range(MAX_EPOCHS + 3)])

    epochs = snapshot.streams["a"].epochs
    assert len(epochs) == MAX_EPOCHS
    assert epochs[0] == ("e3", 3)
    assert snapshot.streams["a"].position.epoch == f"e{MAX_EPOCHS + 2}"


def test_start_and_end_come_from_the_outcomes_alone() -> None:
    snapshot = fold(
        line("worker.started", "a", 0, at=0),
        succeeded(1, at=5),
        succeeded(2, at=3),
        skipped(3, at=9),
    )

    assert snapshot.total().session_start == 1_767_225_603.0
    assert snapshot.as_of_us == 1_767_225_609_000_000


def test_folding_goes_on_from_entries() -> None:
    first = Fold()
    first.lines(opened(0, "e") + succeeded(1))
    second = Fold(first.entries())
    second.lines(succeeded(1) + succeeded(2))

    assert Snapshot(second.entries()).total().jobs_processed == 2
    assert Snapshot(first.entries()).total().jobs_processed == 1, "the first is left alone"


def test_what_was_folded_of_a_stream_can_be_forgotten() -> None:
    folded = Fold()
    folded.lines(succeeded(0))
    folded.place("a", 0, 10)

    assert folded.position("a") == (0, 10)
    folded.forget("a")

    assert folded.entries() == {}
    assert folded.position("a") == (None, None)
