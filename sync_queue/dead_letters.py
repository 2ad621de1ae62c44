"""Values of the dead letter queue: what is stored, what is listed, what became of an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

LetterOutcome = Literal[
    "retried", "purged", "missing", "waiting", "unreadable", "would-retry", "would-purge"
]
"""What became of one item: enqueued again; deleted; no such dead letter; kept, because a job with
its key waits in the queue; kept, because no job can be made of it; in a dry run, what would be."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that will not be retried by itself, to be stored.

    Attributes:
        job_id: Its id in the queue, or None.
        scene_id: What it was about, or None.
        job: The job's fields (``scene_id``, ``update_type``, ``data``, ``job_key``, ``job_id``),
            whole: a retry makes a new job of them. None in a letter that was put back from the
            log, which does not hold the job.
        error_type: Bare class name of the last error, or a name such as ``WorkerLost``.
        error_message: The last error's message.
        stack_trace: The last error's trace as text, without local variables.
        retry_count: How many failures were recorded; None where that is not known.
        failed_at_us: When it died, in microseconds since 1970 UTC; None is now.
        stream: Stream of the outcome that ended it; with ``seq`` the letter's identity.
        seq: Number of that outcome in its stream.
    """

    job_id: int | None
    scene_id: int | None
    job: dict[str, Any] | None
    error_type: str
    error_message: str
    stack_trace: str
    retry_count: int | None
    failed_at_us: int | None = None
    stream: str | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """One dead letter as it stands in the database, without its job.

    Attributes:
        id: Its number, never used again.
        job_id: As in `DeadLetter`; like all that follows None where the row has none.
        scene_id: As in `DeadLetter`.
        error_type: As in `DeadLetter`.
        error_message: As in `DeadLetter`, redacted.
        retry_count: As in `DeadLetter`.
        failed_at_us: As in `DeadLetter`; None also where the row's text is no time.
        stream: As in `DeadLetter`.
        seq: As in `DeadLetter`.
        from_log: It was put back from the log, without its job.
    """

    id: int
    job_id: int | None
    scene_id: int | None
    error_type: str | None
    error_message: str | None
    retry_count: int | None
    failed_at_us: int | None
    stream: str | None
    seq: int | None
    from_log: bool


@dataclass(frozen=True, slots=True)
class WholeLetter:
    """One dead letter with its trace and its job.

    Attributes:
        letter: All but the two below.
        stack_trace: The error's trace, redacted, or None.
        job: The job dict, whole: mask it where it is shown. None where there is none to read.
        unreadable: Why the job could not be read, or None.
    """

    letter: StoredLetter
    stack_trace: str | None
    job: dict[str, Any] | None
    unreadable: str | None


@dataclass(frozen=True, slots=True)
class LetterResult:
    """What a call did with one dead letter.

    Attributes:
        id: The dead letter's id.
        outcome: One word, see `LetterOutcome`.
        message: The same as a sentence, with what to do next where something is to be done.
        job_id: The new job's id where one was enqueued by this call, else None.
    """

    id: int
    outcome: LetterOutcome
    message: str
    job_id: int | None = None
