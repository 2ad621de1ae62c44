"""What the compiled kernel makes of lines, as values; and whether it is there at all."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.kernel._scan import Scanned, ScannedPart

    Scan = Callable[..., Scanned]
    ScanFile = Callable[..., ScannedPart | None]

PURE = "SYNCSTATS_PURE"
"""Set to 1, this variable keeps the compiled kernel out: everything is done in Python."""
_NO = frozenset({"", "0", "f", "false", "n", "no", "off"})
"""What it may be set to without that, as for the switches of the command."""


class Run(NamedTuple):
    """What events of one stream add up to whose seqs follow one another.

    Attributes:
        stream: The stream's name; None: outcomes without stream and seq.
        first: The first seq.
        end: One more than the last one; 0 without a stream.
        succeeded: Attempts that succeeded.
        failed: Attempts that failed.
        to_dlq: Of these, ended dead.
        skipped: Attempts with nothing to do.
        recovered: Of those that succeeded, not the first ones of their job.
        with_warnings: Attempts with warnings.
        high: Of those that succeeded, with a sure match.
        errors: Error types, and how many attempts failed with each.
        latency: How long those that succeeded or failed took, in nanoseconds: a place among the
            bounds (how many of them are below a duration) to how many durations are there; their
            sum, which stops at 2^63 - 1; the shortest; the longest.
        waiting: How long jobs waited, where lines tell; likewise.
        earliest_us: When the earliest outcome was, in microseconds since 1970; None: no outcomes.
        newest_us: When the newest one was.
    """

    stream: str | None
    first: int
    end: int
    succeeded: int
    failed: int
    to_dlq: int
    skipped: int
    recovered: int
    with_warnings: int
    high: int
    errors: dict[str, int]
    latency: tuple[dict[int, int], int, int, int]
    waiting: tuple[dict[int, int], int, int, int]
    earliest_us: int | None
    newest_us: int | None


def is_kept_out() -> bool:
    """Whether the user wants no compiled kernel."""
    return os.environ.get(PURE, "").strip().lower() not in _NO


@cache
def kernel() -> Scan | None:
    """The compiled kernel, see ``_scan.c``; None where it was not built, or is kept out."""
    if is_kept_out():
        return None
    try:
        from events.kernel._scan import scan
    except ImportError:
        return None
    return scan


@cache
def file_kernel() -> ScanFile | None:
    """What reads parts of files and tallies them; None where that is not there, see `kernel`."""
    if is_kept_out():
        return None
    try:
        from events.kernel._scan import scan_file
    except ImportError:  # or a system without `pread`
        return None
    return scan_file
