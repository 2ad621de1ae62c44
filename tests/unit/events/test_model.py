from __future__ import annotations

import pytest
from msgspec import UNSET

from events.model import (
    MAX_COUNT,
    Failed,
    Line,
    Skipped,
    Succeeded,
    elapsed_ns,
    outcome_fields,
)

ATTEMPT = {"job_id": 42, "kind": "metadata", "attempt": 1, "scene_id": 7}


@pytest.mark.parametrize(
    ("line", "nanoseconds"),
    [
        (Line(), 0),
        (Line(duration=0.1), 100_000_000),
        (Line(duration=0.1, duration_ns=7), 7),
        (Line(duration=0.1, duration_ns=0), 0),
        (Line(duration=-0.0), 0),
        (Line(duration=1.5e-9), 2),
        (Line(duration=9.3e9), MAX_COUNT),
        (Line(duration=1.7e308), MAX_COUNT),
        (Line(duration_ns=MAX_COUNT), MAX_COUNT),
    ],
)
def test_elapsed_time(line, nanoseconds):
    assert elapsed_ns(line) == nanoseconds


def test_a_line_that_says_nothing_is_a_success_of_high_confidence_by_default():
    line = Line()
    assert (line.confidence, line.to_dlq, line.error_type, line.attempt) == (
        "high",
        False,
        "unknown",
        0,
    )
    assert line.stream is UNSET
    assert line.seq is UNSET


def test_a_success_says():
    event = Succeeded(**ATTEMPT, duration_ns=5, wait_ns=6, warnings=2)
    assert outcome_fields(event) == {
        "event": "job.succeeded",
        "v": 1,
        "level": "info",
        "job_id": 42,
        "kind": "metadata",
        "scene_id": 7,
        "attempt": 1,
        "duration_ns": 5,
        "wait_ns": 6,
        "confidence": "high",
        "warnings": 2,
    }


def test_a_failure_says():
    trace = [{"exc_type": "PlexNotFound"}]
    event = Failed(
        **ATTEMPT,
        error_type="PlexNotFound",
        error="no item",
        retry_at_us=1_764_000_041_500_000,
        policy="not_found",
        exception=trace,
    )
    assert outcome_fields(event) == {
        "event": "job.failed",
        "v": 1,
        "level": "warning",
        "job_id": 42,
        "kind": "metadata",
        "scene_id": 7,
        "attempt": 1,
        "duration_ns": 0,
        "error_type": "PlexNotFound",
        "error": "no item",
        "to_dlq": False,
        "retry_at": "2025-11-24T16:00:41.500000Z",
        "policy": "not_found",
        "exception": trace,
    }


def test_a_dead_job_is_an_error():
    fields = outcome_fields(Failed(**ATTEMPT, error_type="PermanentError", to_dlq=True))
    assert fields["level"] == "error"
    assert fields["to_dlq"] is True
    assert "retry_at" not in fields
    assert "policy" not in fields


def test_a_skipped_job_has_neither_confidence_nor_error():
    fields = outcome_fields(Skipped(job_id=1, kind="metadata", attempt=2))
    assert fields == {
        "event": "job.skipped",
        "v": 1,
        "level": "info",
        "job_id": 1,
        "kind": "metadata",
        "attempt": 2,
        "duration_ns": 0,
    }


def test_numbers_that_a_reader_would_refuse_are_brought_into_range():
    event = Succeeded(
        job_id=2**63,
        kind="metadata",
        attempt=0,
        scene_id=-(2**63) - 1,
        duration_ns=2**64,
        wait_ns=-5,
        warnings=-1,
    )
    fields = outcome_fields(event)
    assert (fields["attempt"], fields["duration_ns"], fields["wait_ns"]) == (1, MAX_COUNT, 0)
    assert fields["warnings"] == 0
    assert "job_id" not in fields
    assert "scene_id" not in fields


def test_a_failure_without_a_type_is_unknown():
    assert outcome_fields(Failed(**ATTEMPT, error_type=""))["error_type"] == "unknown"


@pytest.mark.parametrize(
    ("retry_at_us", "text"),
    [(10**30, "9999-12-31T23:59:59.999999Z"), (-(10**30), "0001-01-01T00:00:00.000000Z")],
)
def test_a_retry_beyond_what_a_calendar_holds_is_at_its_end(retry_at_us, text):
    fields = outcome_fields(Failed(**ATTEMPT, error_type="E", retry_at_us=retry_at_us))
    assert fields["retry_at"] == text
