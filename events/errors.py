"""The root of every error that syncstats raises on purpose, and those of the event log."""

from __future__ import annotations


class SyncStatsError(Exception):
    """Something that the caller can mend; the message says what, where, and what to do next."""


class EventsError(SyncStatsError):
    """The event log, or a line of it, cannot be used."""


class InvalidLineError(EventsError):
    """A line that is no JSON object, or an outcome whose fields have the wrong type.

    Attributes:
        reason: What is wrong, without the line's place (the reader adds it).
        stream: The line's stream, where it could be read.
        seq: The line's number in its stream, where it could be read: it is taken up, so no gap.
    """

    def __init__(self, reason: str, stream: str | None = None, seq: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stream = stream
        self.seq = seq


class LogWriteError(EventsError):
    """Events could not be made durable; the writer that raised it takes no more."""
