from __future__ import annotations

from worker.stats import SyncStats
from worker.summary import dead_letter_line, summary_fields, summary_line


def stats_of_the_issue():
    stats = SyncStats()
    for confidence in ["high"] * 7 + ["low"]:
        stats.record_success(0.15, confidence)
    for _ in range(2):
        stats.record_failure("PlexNotFound", 0.15)
    return stats


def test_the_summary_in_one_line():
    assert summary_line(stats_of_the_issue()) == (
        "Sync summary: 8/10 succeeded (80.0%), avg 150ms, confidence: 7 high / 1 low"
    )


def test_skipped_jobs_are_told_where_there_are_any():
    stats = stats_of_the_issue()
    stats.record_skip()
    assert summary_line(stats).endswith("7 high / 1 low, 1 skipped")
    assert "8/10" in summary_line(stats)


def test_only_failures_are_a_summary_too():
    stats = SyncStats()
    stats.record_failure("TransientError", 0.0042, to_dlq=True)
    assert summary_line(stats) == (
        "Sync summary: 0/1 succeeded (0.0%), avg 4.2ms, confidence: 0 high / 0 low"
    )


def test_what_takes_hardly_any_time_is_told_as_by_show():
    stats = SyncStats()
    stats.record_success(0.00001)
    assert "avg <0.1ms, " in summary_line(stats)


def test_nothing_is_a_summary_too():
    assert "0/0 succeeded (0.0%), avg 0ms" in summary_line(SyncStats())


def test_dead_letters_in_one_line():
    assert dead_letter_line({"PlexNotFound": 3, "PermanentError": 2}) == (
        "DLQ contains 5 items: 3 PlexNotFound, 2 PermanentError"
    )
    assert dead_letter_line({"WorkerLost": 1}) == "DLQ contains 1 item: 1 WorkerLost"
    assert not dead_letter_line({})


def test_the_summary_as_fields():
    fields = summary_fields(stats_of_the_issue())
    assert fields == {
        "jobs_processed": 10,
        "jobs_succeeded": 8,
        "jobs_failed": 2,
        "jobs_to_dlq": 0,
        "jobs_skipped": 0,
        "success_rate": 80.0,
        "avg_duration_ns": 150_000_000,
        "high_confidence_matches": 7,
        "low_confidence_matches": 1,
        "errors_by_type": {"PlexNotFound": 2},
    }
