from __future__ import annotations

import pytest

from projections.cli.event_filter import SEARCHED_BYTES, event_filter
from projections.cli.event_view import read_event
from tests.support.data_folders import event, lines_of

EVENTS = {
    "succeeded": event(1),
    "failed": event(2, "job.failed", error_type="Timeout", error="slow"),
    "dead": event(3, "job.failed", to_dlq=True, trace_id="cafe"),
    "skipped": event(4, "job.skipped"),
    "other": event(5, "worker.started", host="nas"),
    "invalid": "rubbish",
}


def passing(ends=(), pattern=None):
    wanted = event_filter(ends, pattern)
    assert wanted is not None
    return [
        name
        for name, one in EVENTS.items()
        if wanted.passes(read_event(lines_of(one).encode().rstrip(b"\n")))
    ]


@pytest.mark.parametrize(
    ("ends", "names"),
    [
        (["succeeded"], ["succeeded"]),
        (["failed"], ["failed", "dead"]),
        (["dead"], ["dead"]),
        (["skipped", "succeeded"], ["succeeded", "skipped"]),
    ],
)
def test_ends(ends, names):
    assert passing(ends) == names


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("Timeout: slow", ["failed"]),  # as shown
        ('"trace_id": "c', ["dead"]),  # as written
        ("^00:00:0[45]", ["skipped", "other"]),
        ("rubbish", ["invalid"]),
        ("DONE", []),
        ("(?i)DONE", ["succeeded"]),
    ],
)
def test_patterns_are_looked_for_in_the_line_as_shown_and_as_written(pattern, names):
    assert passing(pattern=pattern) == names


def test_both_must_hold():
    assert passing(["failed"], "Timeout") == ["failed"]


def test_no_wish_is_no_filter():
    assert event_filter((), None) is None


def test_so_much_of_a_line_is_looked_at():
    wanted = event_filter((), "needle")
    assert wanted is not None
    hay = ("x" * (SEARCHED_BYTES // 2), "x" * SEARCHED_BYTES)
    lines = [lines_of(event(1, "job.failed", error=f"{x} needle")).encode() for x in hay]
    assert [wanted.passes(read_event(line)) for line in lines] == [True, False]


def test_bytes_that_are_no_text_do_not_matter():
    wanted = event_filter((), "needle")
    assert wanted is not None
    assert wanted.passes(read_event(b"\xff needle"))
