"""What the compiled kernel makes of lines, folded: the same as if they were folded one by one."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from events.kernel.tallies import Run, file_kernel, kernel
from events.model import MAX_LINE_BYTES
from projections.entry import LOOSE
from projections.seqs import SeqSet
from worker.histogram import Histogram, bounds
from worker.tally import OutcomeTally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.kernel._scan import Groups
    from projections.stream_state import StreamState

FEW_BYTES = 1 << 15
"""Up to so many the kernel is not worth its set-up."""
ROOM_BYTES = 1 << 17
"""So much of a file is read at once: it stays in a processor's cache."""


class Group(NamedTuple):
    """Lines of a block, and what they add up to.

    Attributes:
        begin: Where the first one begins, in bytes from the block's start.
        end: Where the last one ends.
        runs: What they add up to; None: it is one line, which is to be looked at closely.
    """

    begin: int
    end: int
    runs: list[Run] | None


@cache
def _places() -> array[int]:
    return array("Q", bounds())


Scan = Callable[[bytes, "str | None"], "tuple[int, list[Group]] | None"]
"""As `scan`."""


def scan(
    data: bytes | memoryview, folder: str | None, *, few_bytes: int = FEW_BYTES
) -> tuple[int, list[Group]] | None:
    """Tally whole lines; None where there is no kernel, or too little to do.

    Args:
        data: The lines, each with its end.
        folder: The stream in whose folder they are; None for lines from anywhere.
        few_bytes: What is too little.

    Returns:
        How many lines there are, and what they add up to.
    """
    run = kernel()
    if run is None or len(data) < few_bytes:
        return None
    lines, groups = run(data, _places(), MAX_LINE_BYTES, _encoded(folder))
    return lines, _as_groups(groups)


class Part(NamedTuple):
    """Whole lines of a file that follow one another, and what they add up to.

    Attributes:
        offset: Where the first one begins, in bytes.
        end: Where the last one ends.
        lines: How many there are.
        groups: What they add up to, with places counted from ``offset``.
    """

    offset: int
    end: int
    lines: int
    groups: list[Group]


def scan_part(
    file: int,
    begin: int,
    upto: int,
    folder: str | None,
    *,
    is_first: bool,
    limit: int,
    room: int = ROOM_BYTES,
) -> Part | None:
    """Tally the lines of a file that begin in a part of it.

    Args:
        file: Its descriptor; its position does not matter.
        begin: Where the part begins, in bytes.
        upto: Where it ends.
        folder: As of `scan`.
        is_first: Whether a line begins with it; else the byte before it says.
        limit: Where the file ends, or less; lines that end later are left out.
        room: How many bytes are read at once; more where a line is longer.

    Returns:
        What they add up to; None where there is no kernel, or where a line is so long that the
        part's lines cannot be told from those of others.
    """
    run = file_kernel()
    if run is None:
        return None
    name = _encoded(folder)
    found = run(file, begin, upto, is_first, limit, _places(), MAX_LINE_BYTES, name, room)
    if found is None:
        return None
    first, last, lines, groups = found
    return Part(first, last, lines, _as_groups(groups))


def _encoded(folder: str | None) -> bytes | None:
    return None if folder is None else folder.encode()


def _as_groups(groups: Groups) -> list[Group]:
    return [
        Group(begin, end, None if runs is None else [*map(Run._make, runs)])
        for begin, end, runs in groups
    ]


def take_runs(runs: Sequence[Run], state_of: Callable[[str], StreamState], loose: str) -> bool:
    """Add what events add up to, unless some of a run were seen before and others were not.

    Returns:
        Whether that was so of none of them; else nothing was added.
    """
    names = [loose if run.stream is None else run.stream for run in runs]
    if not all(_are_alike(name, names, runs, state_of) for name in dict.fromkeys(names)):
        return False
    for name, run in zip(names, runs, strict=True):
        _take(run, state_of(name), loose)
    return True


def _are_alike(
    name: str, names: Sequence[str], runs: Sequence[Run], state_of: Callable[[str], StreamState]
) -> bool:
    """Whether the seqs of each run of a stream were all seen before it, or none of them."""
    own = [
        run for one, run in zip(names, runs, strict=True) if one == name and run.stream is not None
    ]
    seen = state_of(name).seen
    if len(own) > 1:
        seen = SeqSet(seen)
    for run in own:
        known = seen.covered(run.first, run.end)
        if known not in {0, run.end - run.first}:
            return False
        if len(own) > 1 and not known:
            seen.add_span(run.first, run.end)
    return True


def _take(run: Run, state: StreamState, loose: str) -> None:
    if run.stream is None:
        if loose != LOOSE:
            state.number(run.succeeded + run.failed + run.skipped)
    elif not state.take_span(run.first, run.end):
        return
    if run.newest_us is not None:
        state.add_tally(_tally(run), run.newest_us)


def _tally(run: Run) -> OutcomeTally:
    latency = _histogram(run.latency)
    return OutcomeTally(
        succeeded=run.succeeded,
        failed=run.failed,
        to_dlq=run.to_dlq,
        skipped=run.skipped,
        retried=run.failed - run.to_dlq,
        recovered=run.recovered,
        with_warnings=run.with_warnings,
        high=run.high,
        low=run.succeeded - run.high,
        errors=run.errors,
        time_ns=latency.sum_ns,
        latency=latency,
        waiting=_histogram(run.waiting),
        earliest_us=run.earliest_us,
    )


def _histogram(durations: tuple[dict[int, int], int, int, int]) -> Histogram:
    counts, sum_ns, min_ns, max_ns = durations
    if not counts:
        return Histogram()
    zero = counts.pop(0, 0)
    return Histogram({place - 2: n for place, n in counts.items()}, zero, sum_ns, min_ns, max_ns)
