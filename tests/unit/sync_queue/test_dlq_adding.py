"""How a letter comes into the dead letter queue."""

from __future__ import annotations

import inspect
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from events.redaction import Redactor
from sync_queue.dlq import DeadLetterQueue
from sync_queue.showable import NOTES_KEY, showable_job
from tests.support.dead_letters import (
    JOB,
    LETTER,
    NOON_US,
    SECRET,
    PermanentError,
    PlexNotFound,
    caught,
    sql,
)


@pytest.mark.parametrize(
    ("job", "job_id"),
    [
        ({"job_id": 5, "pqid": 6}, 5),
        ({"job_id": 0, "pqid": 6}, 0),
        ({"job_id": None, "pqid": 6}, 6),
        ({"pqid": 6}, 6),
        ({}, None),
        ({"job_id": "five"}, None),
        ({"job_id": True}, None),
        ({"job_id": 2**70}, None),
    ],
)
def test_the_job_id_is_the_jobs_own_or_the_predecessors_or_none(dlq, job, job_id):
    letter_id = dlq.add(job, PermanentError("x"), 1)
    assert dlq.get_recent()[0]["job_id"] == job_id
    assert dlq.get_by_id(letter_id) == job


def test_a_letter_tells_job_error_and_time(dlq):
    letter_id = dlq.add(JOB, PlexNotFound("no item for /media/a.mkv"), 12)
    assert dlq.get_recent() == [
        {
            "id": letter_id,
            "job_id": 5,
            "scene_id": 7,
            "error_type": "PlexNotFound",
            "error_message": "no item for /media/a.mkv",
            "failed_at": "2025-11-30 12:00:00.000000",
        }
    ]
    (listed,) = dlq.list()
    assert (listed.retry_count, listed.failed_at_us, listed.stream) == (12, NOON_US, None)


def test_the_job_is_stored_as_json_and_whole(dlq):
    dlq.add(JOB, PermanentError("x"), 1)
    ((data,),) = sql(dlq.db_path, "SELECT job_data FROM dead_letters")
    assert isinstance(data, bytes)
    assert json.loads(data) == JOB


def test_lone_surrogates_and_large_integers_in_a_job_stay(dlq):
    job = {"scene_id": 2**70, "data": ["\ud800", 2**64]}
    assert dlq.get_by_id(dlq.add(job, PermanentError("x"), 1)) == job
    assert dlq.get_recent()[0]["scene_id"] is None


def test_the_trace_is_the_errors_own_also_outside_except(dlq):
    error = caught(PermanentError("first"))
    try:
        raise KeyError("another that is being handled")  # noqa: TRY301 - as in a worker's loop
    except KeyError:
        inside = dlq.add(JOB, error, 1)
    outside = dlq.add(JOB, error, 1)
    for letter_id in (inside, outside):
        trace = dlq.get(letter_id).stack_trace
        assert "in caught" in trace
        assert "PermanentError: first" in trace
        assert "another" not in trace


def test_the_trace_names_causes_and_shows_no_local_variables(dlq):
    try:
        try:
            caught(ValueError("the cause")).add_note("a note")
            raise caught(ValueError("the cause"))
        except ValueError as cause:
            raise PermanentError("the end") from cause
    except PermanentError as error:
        trace = dlq.get(dlq.add(JOB, error, 1)).stack_trace
    assert "ValueError: the cause" in trace
    assert "PermanentError: the end" in trace
    assert SECRET not in trace


def test_an_error_that_was_never_raised_has_a_short_trace(dlq):
    whole = dlq.get(dlq.add(JOB, PermanentError("never raised"), 1))
    assert "PermanentError: never raised" in whole.stack_trace
    assert "File" not in whole.stack_trace


def test_secrets_in_message_and_trace_are_redacted_in_the_file(dlq):
    error = caught(PermanentError(f"GET http://plex/library?X-Plex-Token={SECRET}: 401"))
    dlq.add(JOB | {"data": {}}, error, 1)
    dlq.insert(
        [replace(LETTER, job={}, error_message=f"password={SECRET}", stack_trace=f"token={SECRET}")]
    )
    for path in dlq.db_path.parent.iterdir():
        assert SECRET.encode() not in path.read_bytes()
    assert "401" in dlq.get_recent()[1]["error_message"]


def test_the_redactor_can_be_ones_own(tmp_path):
    dlq = DeadLetterQueue(tmp_path, redactor=Redactor(extra_patterns=["blue-[0-9]+"]))
    dlq.add({}, PermanentError("it was blue-42"), 1)
    assert dlq.get_recent()[0]["error_message"] == "it was [redacted]"


class Unspeakable(Exception):  # noqa: N818 - the name is what is tested
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class UntraceableError(PermanentError):
    @property
    def __notes__(self):
        raise RuntimeError("no notes")


@pytest.mark.parametrize("kind", [Unspeakable, UntraceableError, KeyboardInterrupt])
def test_errors_that_cannot_be_shown_are_stored_all_the_same(dlq, kind):
    letter_id = dlq.add(JOB, caught(kind()), 1)
    assert dlq.get_recent()[0]["error_type"] == kind.__name__
    assert "caught" in dlq.get(letter_id).stack_trace
    assert dlq.get_by_id(letter_id) == JOB


def test_so_are_errors_whose_source_lines_cannot_be_read(dlq):
    class Loader:
        def get_source(self, name):
            raise RuntimeError(name)

    code = compile("raise PermanentError('x')", "no-such-file.py", "exec")
    try:
        exec(
            code,
            {"__name__": "m", "__loader__": Loader(), "PermanentError": PermanentError},
        )
    except PermanentError as error:
        letter_id = dlq.add(JOB, error, 1)
    whole = dlq.get(letter_id)
    assert (whole.letter.error_message, whole.stack_trace) == (
        *("x", "<a trace that cannot be shown>"),
    )


def test_messages_of_any_characters_and_any_length_are_stored(dlq):
    dlq.add(JOB, PermanentError("lone \ud800, nul \0, end"), 2**80)
    assert dlq.list()[0].error_message == "lone \\ud800, nul \0, end"
    assert dlq.list()[0].retry_count == 2**63 - 1
    dlq.add(JOB, PermanentError("begin" + "x" * 5_000_000 + "end"), 1)
    message = dlq.get_recent()[0]["error_message"]
    assert len(message) < 70_000
    assert message.startswith("begin")
    assert message.endswith("end")


def test_a_secret_is_redacted_before_the_message_is_cut(dlq):
    at = 32 * 1024 - 8  # where the cut goes through the secret
    dlq.add({}, PermanentError("x" * at + f" token={SECRET * 3} " + "y" * 100_000), 1)
    assert "unter2" not in dlq.get_recent()[0]["error_message"]


class Unshowable:
    def __repr__(self):
        raise RuntimeError("no")


def endless():
    job = {"scene_id": 7}
    job["self"] = job
    return job


def deep(levels):
    job = {"scene_id": 7}
    for _ in range(levels):
        job = {"scene_id": 7, "in": job}
    return job


@pytest.mark.parametrize(
    ("job", "shown"),
    [
        ({"scene_id": 7, "at": Path("/x")}, {"at": repr(Path("/x"))}),
        (
            {"scene_id": 7, "rating": float("nan"), "b": float("-inf")},
            {"rating": "nan", "b": "-inf"},
        ),
        ({"scene_id": 7, "tags": {"a"}, "t": (1.5, None)}, {"tags": ["a"], "t": [1.5, None]}),
        ({"scene_id": 7, "raw": b"\xff", "n": {1: "a", "1": "b"}}, {"n": {"1": "a", "1~": "b"}}),
        ({"scene_id": 7, ("a", 1): 1, None: 2, True: 3}, {"('a', 1)": 1, "null": 2, "true": 3}),
        ({"scene_id": 7, "odd": Unshowable()}, {"odd": "<Unshowable>"}),
        ({"scene_id": 7, "n": 10**5000, "m": 2**70, "o": object}, {"m": 2**70}),
        ({"scene_id": 7, "long": [object()] * 100}, {}),
        ({"scene_id": 7, "many": [*range(200_000), b""]}, {}),
        (endless(), {}),
        (deep(300), {}),
        (deep(50_000), {}),
    ],
    ids=lambda value: "-".join(map(str, value))[:40],
)
def test_a_job_that_json_cannot_hold_is_stored_as_far_as_it_can_be_shown(dlq, queue, job, shown):
    letter_id = dlq.add(job, PermanentError("x"), 1)
    stored = dlq.get_by_id(letter_id)
    assert stored["scene_id"] == 7
    assert stored.items() >= shown.items()
    assert stored[NOTES_KEY]
    (result,) = dlq.retry(letter_id, queue=queue)
    assert (result.outcome, dlq.get_count()) == ("unreadable", 1)


def test_with_hardly_any_stack_left_the_numbers_are_kept():
    # a job may die of a RecursionError, and be stored where it was caught
    job = {"scene_id": 7, "data": deep(90)}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 60)
    try:
        shown = showable_job(job)
    finally:
        sys.setrecursionlimit(limit)
    assert shown == {
        "scene_id": 7,
        NOTES_KEY: ["everything but numbers: too little stack was left"],
    }
