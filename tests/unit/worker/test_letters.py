from __future__ import annotations

import pytest

from events.codec import decode, encode
from events.exceptions import describe
from events.model import Failed, Skipped, Succeeded, outcome_fields
from events.redaction import Redactor
from sync_queue.jobs import Ending, LeasedJob
from worker.letters import ending_of, ending_of_line, letter_of, letter_of_line, trace_text

JOB = LeasedJob(42, "metadata", 7, '{"a":1}', "k", 2, 5_000_000, 0, 1, 2, 0, 9)
COMMON = {"job_id": 42, "kind": "metadata", "attempt": 2, "scene_id": 7}
TRACE = [
    {
        "exc_type": "ValueError",
        "exc_value": "bad",
        "frames": [{"filename": "a.py", "lineno": 3, "name": "f"}],
    },
    {"exc_type": "OSError", "exc_value": "gone", "frames": []},
]
EVENTS = [
    Succeeded(**COMMON),
    Skipped(**COMMON),
    Failed(**COMMON, error_type="E", to_dlq=True),
    Failed(**COMMON, error_type="E", retry_at_us=1_764_000_000_123_456),
    Failed(**COMMON, error_type="PlexNotFound", retry_at_us=1, policy="not_found"),
]


def line_of(event, seq=5, **more):
    fields = outcome_fields(event) | {"stream": "s", "seq": seq}
    return decode(encode(fields | {"timestamp": "2026-11-24T12:00:00.000001Z"} | more))


@pytest.mark.parametrize("event", EVENTS)
def test_an_outcome_means_the_same_live_and_read_from_a_log(event):
    assert ending_of(event, 5) == ending_of_line(line_of(event))


def test_what_an_outcome_means_for_its_job():
    assert ending_of(EVENTS[0], 5) == Ending(42, 2, 5)
    assert ending_of(EVENTS[2], 5) == Ending(42, 2, 5, dead=True)
    assert ending_of(EVENTS[3], 5) == Ending(42, 2, 5, retry_at_us=1_764_000_000_123_456)
    assert ending_of(EVENTS[4], 5).policy == "not_found"


def test_a_retry_without_a_time_is_due_at_once():
    event = Failed(**COMMON, error_type="E")
    assert ending_of(event, 5).retry_at_us == 0
    assert ending_of_line(line_of(event)).retry_at_us == 0


@pytest.mark.parametrize("missing", ["job_id", "attempt"])
def test_a_line_that_names_no_attempt_ends_none(missing):
    fields = outcome_fields(EVENTS[0]) | {"stream": "s", "seq": 5}
    del fields[missing]
    assert ending_of_line(decode(encode(fields | {"timestamp": "2026-11-24T12:00:00Z"}))) is None


def test_a_loose_line_ends_nothing():
    fields = outcome_fields(EVENTS[0]) | {"timestamp": "2026-11-24T12:00:00Z"}
    assert ending_of_line(decode(encode(fields))) is None


def test_a_dead_letter_is_the_same_live_and_read_from_a_log():
    event = Failed(**COMMON, error_type="E", error="why", to_dlq=True, exception=TRACE)
    line = line_of(event)
    live = letter_of(JOB, event, stream="s", seq=5, failed_at_us=1_795_521_600_000_001)
    assert letter_of_line(JOB, line, "s", 5) == live
    assert live.job == {
        "job_id": 42,
        "scene_id": 7,
        "update_type": "metadata",
        "data": {"a": 1},
        "job_key": "k",
    }
    assert (live.job_id, live.scene_id, live.stream, live.seq) == (42, 7, "s", 5)
    assert (live.error_type, live.error_message) == ("E", "why")
    assert live.retry_count == 1 + 2 + 1
    assert live.stack_trace == trace_text(TRACE)


def test_damaged_data_is_kept_as_the_text_that_it_is():
    job = LeasedJob(42, "metadata", 7, '{"a":', None, 1, 0, 0, 0, 0, 0, 9)
    letter = letter_of(job, EVENTS[2], stream="s", seq=5, failed_at_us=0)
    assert letter.job["data"] == '{"a":'


def test_a_trace_as_text_tells_the_cause_first():
    assert trace_text(TRACE) == (
        "OSError: gone\n\n"
        'Traceback (most recent call last):\n  File "a.py", line 3, in f\nValueError: bad'
    )


def test_a_trace_as_text_tells_notes_and_the_members_of_groups():
    def error(kind, value, **more):
        return {"exc_type": kind, "exc_value": value, "frames": [], **more}

    frame = {"filename": "a.py", "lineno": 3, "name": "f"}
    left = [error("ValueError", "left", frames=[frame]), error("KeyError", "cause")]
    group = error(
        "ExceptionGroup", "two", exceptions=[left, [error("OSError", "right")]], exc_notes=["hint"]
    )
    assert trace_text([group]) == (
        "ExceptionGroup: two\n"
        "hint\n"
        "  1 of 2 in this group:\n"
        "    KeyError: cause\n"
        "\n"
        "    Traceback (most recent call last):\n"
        '      File "a.py", line 3, in f\n'
        "    ValueError: left\n"
        "  2 of 2 in this group:\n"
        "    OSError: right"
    )


def test_a_trace_is_told_from_what_was_described():
    error = ExceptionGroup("outer", [ExceptionGroup("inner", [ValueError("left")]), OSError("x")])
    error.add_note("hint")
    text = trace_text(describe(error, Redactor()).traceback)
    for told in ("outer", "hint", "inner", "ValueError: left", "OSError: x"):
        assert told in text


def test_groups_without_end_are_told_as_far_as_it_goes():
    group = []
    group.append({"exc_type": "E", "exc_value": "x", "exceptions": [group]})
    assert trace_text(group).count("E: x") == 11


@pytest.mark.parametrize(
    "odd", [None, "text", {}, [], [3], [{"frames": 7}], [{"exc_notes": 7, "exceptions": 7}]]
)
def test_a_trace_of_another_shape_is_told_as_far_as_it_goes(odd):
    assert trace_text(odd) in {"", "None: None"}


def test_frames_of_another_shape_are_left_out():
    assert trace_text([{"exc_type": "E", "exc_value": "x", "frames": [1, {}]}]) == (
        'Traceback (most recent call last):\n  File "None", line None, in None\nE: x'
    )
