"""What a check of ``stats.json`` against its log has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gap:
    """Lines that a stream lacks: seq ``first`` to ``last``, both included."""

    stream: str
    first: int
    last: int

    def __str__(self) -> str:
        count = self.last - self.first + 1
        lines = "1 line is" if count == 1 else f"{count:,} lines are"
        return f"stream {self.stream!r}: {lines} missing, seq {self.first} to {self.last}"


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Attributes:
        differences: One sentence for each way in which stats.json is not a fold of the log.
        gaps: Missing lines of the log.
        invalid_lines: Lines that could not be believed.
        incomplete_lines: Unfinished last lines (they may be being written).
        duplicates: Lines that stand in the log again.
        attempts: Attempts that the whole log holds, without those that were skipped.
        behind: Attempts beyond the place in the log up to which stats.json goes, skipped ones too.
        streams: How many streams the log has.
        pruned_attempts: Those of `attempts` that stand in no segment any more: they are taken from
            the streams' summaries, and were not checked again.
        pruned_lines: How many lines those summaries were made of.
        breaks: One sentence for each stream whose log does not go on where its summary ends.
        wrong_summaries: One sentence for each summary of sealed segments that a rebuild would
            believe, and that says something else than their lines.
        changed_segments: Of these, the segments whose own bytes are not those that were summed up.
        has_snapshot: Whether there was a stats.json to check.
    """

    differences: tuple[str, ...]
    gaps: tuple[Gap, ...]
    invalid_lines: int
    incomplete_lines: int
    duplicates: int
    attempts: int
    behind: int
    streams: int
    pruned_attempts: int
    pruned_lines: int
    breaks: tuple[str, ...]
    wrong_summaries: tuple[str, ...]
    changed_segments: tuple[str, ...]
    has_snapshot: bool

    @property
    def ok(self) -> bool:
        """No difference, no gap, no break, and no wrong summary."""
        return not (self.differences or self.gaps or self.breaks or self.wrong_summaries)
