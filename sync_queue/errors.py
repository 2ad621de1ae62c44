"""What can go wrong with the queue and the dead letters, told so that it can be mended."""

from __future__ import annotations

from events.errors import SyncStatsError


class QueueError(SyncStatsError):
    """A database of the data folder cannot be used as asked."""


class NewerDatabaseError(QueueError):
    """The file was written by a newer version of syncstats; this one does not touch it."""


class ForeignDatabaseError(QueueError):
    """The file is an SQLite database of some other program; it is not touched."""


class InvalidJobError(QueueError):
    """A job that cannot be enqueued.

    Attributes:
        reason: What is wrong with it, without its place (a reader of files adds the line).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DuplicateKeyError(QueueError):
    """A job with this ``job_key`` waits already, so another is not added."""
