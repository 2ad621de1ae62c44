"""Typed events, schema version 1: what a line may hold, and what the worker writes.

`Line` is what any reader of ours looks at, whoever wrote the line. `Succeeded`, `Failed` and
`Skipped` are the three ways in which one attempt of our own worker ends.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from events.clock import format_timestamp
from events.limits import MAX_INTEGER

SCHEMA_VERSION = 1
MAX_COUNT = MAX_INTEGER
"""Largest count, number or sum of nanoseconds; sums stop here."""
LEAST_INTEGER = -MAX_INTEGER - 1
"""Smallest number of 64 bits."""
FIRST_US = -62_135_596_800_000_000
"""0001-01-01T00:00:00Z, the first moment that can be written."""
LAST_US = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999Z, the last one."""

JOB_SUCCEEDED = "job.succeeded"
JOB_FAILED = "job.failed"
JOB_SKIPPED = "job.skipped"
OUTCOMES = frozenset({JOB_SUCCEEDED, JOB_FAILED, JOB_SKIPPED})
"""Events that end an attempt; all others are carried, followed, and not counted as jobs."""

STREAM_OPENED = "stream.opened"
WORKER_STARTED = "worker.started"
WORKER_STOPPED = "worker.stopped"
BATCH_SUMMARY = "batch.summary"
BREAKER_OPENED = "breaker.opened"
BREAKER_CLOSED = "breaker.closed"
EVENT_UNENCODABLE = "event_unencodable"

HIGH = "high"
UNKNOWN_ERROR = "unknown"
TRANSIENT = "transient"
NOT_FOUND = "not_found"

Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=MAX_COUNT)]
Ordinal = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Seconds = Annotated[float, Meta(ge=0)]
Moment = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1)]


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event as read from its line; unknown keys are ignored, ``null`` is a wrong type.

    A key that the line lacks has the default below: ``UNSET`` where nothing could stand for it,
    else the value that the format gives it. `events.codec.decode` makes these, and sees to what
    the types alone do not say.

    Attributes:
        event: What happened, for example ``job.succeeded``; "" if the line does not say.
        v: Version of the format.
        stream: Id of the writer's stream. Comes with ``seq`` or not at all.
        seq: Number of the event in its stream.
        timestamp: When it happened. Any outcome has one.
        level: Severity, for people.
        job_id: The job.
        kind: What sort of job it is.
        scene_id: The scene that the job is about.
        attempt: Which run of the job this was, from 1; 0 if the line does not say.
        duration_ns: Time that the attempt took, in nanoseconds; see `elapsed_ns`.
        duration: The same in seconds, as other writers have it.
        wait_ns: Time from when the job was due to when it started, in nanoseconds.
        confidence: ``high``, or anything else, which counts as low.
        error_type: Bare class name of the error; never "".
        error: Its message.
        to_dlq: The job failed for good and is a dead letter.
        retry_at: When the job will be tried again.
        policy: Which retry schedule counted the failure: ``transient`` or ``not_found``.
        exception: Structured traceback, see `events.exceptions`.
        warnings: How many warnings the handler gave.
        trace_id: OpenTelemetry trace, lower-case hex; "" if none.
        span_id: OpenTelemetry span, lower-case hex; "" if none.
        epoch: Random name of this opening of the stream; only in ``stream.opened``, as the rest.
        queue_id: Random name of the queue that the jobs come from.
        host: The writer's host name.
        pid: The writer's process id; 0 if the line does not say.
        version: The writer's version of syncstats.
    """

    event: str = ""
    v: int = SCHEMA_VERSION
    stream: Name | UnsetType = UNSET
    seq: Count | UnsetType = UNSET
    timestamp: Moment | UnsetType = UNSET
    level: str = ""
    job_id: Int64 | UnsetType = UNSET
    kind: str = ""
    scene_id: Int64 | UnsetType = UNSET
    attempt: Ordinal = 0
    duration_ns: Count | UnsetType = UNSET
    duration: Seconds | UnsetType = UNSET
    wait_ns: Count | UnsetType = UNSET
    confidence: Any = HIGH
    error_type: str = UNKNOWN_ERROR
    error: str = ""
    to_dlq: bool = False
    retry_at: Moment | UnsetType = UNSET
    policy: str = TRANSIENT
    exception: Any = UNSET
    warnings: Count = 0
    trace_id: str = ""
    span_id: str = ""
    epoch: str = ""
    queue_id: str = ""
    host: str = ""
    pid: Int64 = 0
    version: str = ""


def elapsed_ns(line: Line) -> int:
    """Time that the attempt of an outcome took, in nanoseconds, 0 to `MAX_COUNT`.

    ``duration_ns`` wins over ``duration`` (seconds); a line with neither took 0.

    >>> elapsed_ns(Line(duration=0.1))
    100000000
    """
    if line.duration_ns is not UNSET:
        return line.duration_ns
    if line.duration is UNSET:
        return 0
    nanoseconds = line.duration * 1e9
    return round(nanoseconds) if nanoseconds < MAX_COUNT else MAX_COUNT


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What every outcome says of its attempt.

    Attributes:
        job_id: The job.
        kind: What sort of job it is.
        attempt: Which run of the job this was, from 1.
        scene_id: The scene that the job is about, if any.
        duration_ns: Time that the attempt took, in nanoseconds.
        wait_ns: Time from when the job was due to when it started, in nanoseconds, if known.
        warnings: How many warnings the handler gave.
    """

    job_id: int
    kind: str
    attempt: int
    scene_id: int | None = None
    duration_ns: int = 0
    wait_ns: int | None = None
    warnings: int = 0


class Succeeded(Attempt, frozen=True, kw_only=True, gc=False):
    """The job is done; ``confidence`` says how sure the match was: ``high``, or anything else."""

    confidence: str = HIGH


class Skipped(Attempt, frozen=True, kw_only=True, gc=False):
    """Nothing was to be done, by the user's own settings: neither success nor failure."""


class Failed(Attempt, frozen=True, kw_only=True):
    """The attempt failed; the job is tried again at ``retry_at_us``, or is dead.

    Attributes:
        error_type: Bare class name of the error.
        error: Its message.
        to_dlq: The job will not be retried by itself.
        retry_at_us: When it is tried again, microseconds since 1970 UTC; None if it is dead.
        policy: Which retry schedule counted the failure.
        exception: Structured traceback from `events.exceptions.describe`, if any.
        is_redacted: ``error_type``, ``error`` and ``exception`` were made by `events.exceptions`
            with the redactor of this log, which need not look at them again. In no line.
    """

    error_type: str
    error: str = ""
    to_dlq: bool = False
    retry_at_us: int | None = None
    policy: str = TRANSIENT
    exception: list[dict[str, Any]] | None = None
    is_redacted: bool = False


def outcome_fields(event: Succeeded | Failed | Skipped) -> dict[str, Any]:
    """What an outcome says in its line, but for ``stream``, ``seq`` and ``timestamp``.

    Optional keys are left out where they have nothing to say. Numbers that a reader would refuse
    (a waiting time below zero because the wall clock was set back) are brought into their range,
    since an outcome that is written must also be counted.
    """
    # Looked at once an outcome, so each number is compared here, and changed where it must be.
    fields: dict[str, Any] = {"event": JOB_SUCCEEDED, "v": SCHEMA_VERSION, "level": "info"}
    if LEAST_INTEGER <= (job_id := event.job_id) <= MAX_COUNT:
        fields["job_id"] = job_id
    fields["kind"] = event.kind
    if (scene_id := event.scene_id) is not None and LEAST_INTEGER <= scene_id <= MAX_COUNT:
        fields["scene_id"] = scene_id
    number = event.attempt
    fields["attempt"] = number if 1 <= number <= MAX_COUNT else _within(number, 1)
    number = event.duration_ns
    fields["duration_ns"] = number if 0 <= number <= MAX_COUNT else _within(number)
    if (wait_ns := event.wait_ns) is not None:
        fields["wait_ns"] = wait_ns if 0 <= wait_ns <= MAX_COUNT else _within(wait_ns)
    if isinstance(event, Succeeded):
        fields["confidence"] = event.confidence
    elif isinstance(event, Failed):
        _add_failure(fields, event)
    else:
        fields["event"] = JOB_SKIPPED
    if event.warnings:
        fields["warnings"] = _within(event.warnings)
    return fields


def _add_failure(fields: dict[str, Any], event: Failed) -> None:
    fields["event"] = JOB_FAILED
    fields["level"] = "error" if event.to_dlq else "warning"
    fields["error_type"] = event.error_type or UNKNOWN_ERROR
    fields["error"] = event.error
    fields["to_dlq"] = event.to_dlq
    if event.retry_at_us is not None:
        fields["retry_at"] = format_timestamp(min(max(event.retry_at_us, FIRST_US), LAST_US))
    if event.policy != TRANSIENT:
        fields["policy"] = event.policy
    if event.exception is not None:
        fields["exception"] = event.exception


def _within(number: int, least: int = 0) -> int:
    return min(max(number, least), MAX_COUNT)
