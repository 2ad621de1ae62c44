"""Jobs as values: to be added, leased to a stream, ended; and what the queue answers."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

import msgspec

from sync_queue.errors import InvalidJobError

_read = json.JSONDecoder().raw_decode

RetryPolicy = Literal["transient", "not_found"]


class NewJob(msgspec.Struct, frozen=True):
    """A job to add.

    Attributes:
        scene_id: What the job is about, 64 bits; None if it is about no scene.
        kind: What is to be done (a job line's ``update_type``).
        data: Any JSON value, handed to the handler unchanged.
        job_key: While a job with this key waits, another is not added.
        due_at_us: Not to be run before, in microseconds since 1970 UTC; None is now.
    """

    scene_id: int | None
    kind: str = "metadata"
    data: Any = msgspec.field(default_factory=dict)
    job_key: str | None = None
    due_at_us: int | None = None


class LeasedJob(msgspec.Struct, frozen=True, gc=False):
    """A job that is leased to a stream. Its fields are the columns of the table, in order.

    Attributes:
        id: Never given to another job.
        kind: What is to be done.
        scene_id: What it is about.
        data: The data as JSON text (ASCII); `payload` reads it.
        job_key: Its key, if it has one.
        attempt: The number of this run, from 1; no other run of the job has it.
        enqueued_at_us: When it was added, microseconds since 1970 UTC.
        due_at_us: Since when it might be run, microseconds since 1970 UTC.
        failures: Recorded failures so far, counted by the transient schedule.
        not_found: Recorded failures so far, counted by the not-found schedule.
        losses: How often in a row it was leased when its worker died.
        lease_seq: The stream's next ``seq`` when it was leased.
        retried_from: The mark of the dead letter that it retries, if it does.
    """

    id: int
    kind: str
    scene_id: int | None
    data: str
    job_key: str | None
    attempt: int
    enqueued_at_us: int
    due_at_us: int
    failures: int
    not_found: int
    losses: int
    lease_seq: int
    retried_from: str | None = None

    def payload(self) -> Any:
        """The data as it was enqueued.

        Raises:
            InvalidJobError: The stored text is damaged.
        """
        try:
            # What `json.loads` comes to, without its looking for blanks: nearly every text.
            value, end = _read(self.data)
            if end == len(self.data):
                return value
        except (ValueError, TypeError, RecursionError):
            pass  # told below
        try:
            return json.loads(self.data)
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidJobError(
                f"job {self.id}: its stored data is damaged ({error}); enqueue it again"
            ) from error


class Ending(msgspec.Struct, frozen=True, gc=False):
    """What a recorded outcome means for its job.

    Attributes:
        job_id: The job.
        attempt: The run that ended.
        seq: The outcome's number in its stream; one older than the lease is not of this lease.
        retry_at_us: When to run it again, microseconds since 1970 UTC; None: never (it
            succeeded, was skipped, or is a dead letter), and the job is gone.
        policy: Which schedule counts the failure.
        dead: The outcome made a dead letter.
    """

    job_id: int
    attempt: int
    seq: int
    retry_at_us: int | None = None
    policy: RetryPolicy = "transient"
    dead: bool = False


class Enqueued(NamedTuple):
    """What became of jobs that were to be added: ``added``, and ``already_waiting`` by key."""

    added: int
    already_waiting: int


class QueueCounts(msgspec.Struct, frozen=True):
    """The queue at one moment.

    Attributes:
        due: Jobs that may be run now.
        scheduled: Jobs that wait for a later time.
        next_due_at_us: When the first of those is due, microseconds since 1970 UTC.
        leased: Jobs that workers hold.
        paused: Whether workers are told to take none.
    """

    due: int
    scheduled: int
    next_due_at_us: int | None
    leased: int
    paused: bool
