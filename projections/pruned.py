"""What of a log is to stay, and what became of the rest."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Keep:
    """What of a log is to stay: one of the two.

    Attributes:
        age_s: Segments whose newest event is not older than so many seconds.
        size: As many of the newest segments as take so many bytes together, over all streams.
    """

    age_s: float | None = None
    size: int | None = None


@dataclass
class StreamReport:
    """What was done with a stream, or would be.

    Attributes:
        removed_segments: How many segments went.
        removed_lines: How many lines they held.
        removed_bytes: Their bytes on disk.
        first_seq: Seq at which the log begins now; None where nothing of it was ever pruned.
        compressed_segments: How many were compressed.
        saved_bytes: By how many bytes they are smaller.
        kept_from_seq: First seq of a segment that was to go and had to stay; with it all after it.
        why: Why it had to stay.
        error: What kept the stream from being put in order, where something did.
    """

    removed_segments: int = 0
    removed_lines: int = 0
    removed_bytes: int = 0
    first_seq: int | None = None
    compressed_segments: int = 0
    saved_bytes: int = 0
    kept_from_seq: int | None = None
    why: str | None = None
    error: str | None = None


@dataclass
class Pruned:
    """What was done, or would be.

    Attributes:
        streams: By stream.
        bytes_before: What the log took on the disk.
        bytes_after: What it takes now.
    """

    streams: dict[str, StreamReport] = field(default_factory=dict)
    bytes_before: int = 0
    bytes_after: int = 0

    @property
    def ok(self) -> bool:
        """Whether all streams could be put in order."""
        return all(report.error is None for report in self.streams.values())
