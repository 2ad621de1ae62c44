"""What the compiled kernel makes of lines, folded: the same as if they were folded one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projections.entry import LOOSE
from projections.seqs import SeqSet
from worker.histogram import Histogram
from worker.tally import OutcomeTally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.kernel.tallies import Run
    from projections.stream_state import StreamState


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
    seen, new = state_of(name).seen, SeqSet()
    for run in own:
        known = seen.covered(run.first, run.end) + new.covered(run.first, run.end)
        if known not in {0, run.end - run.first}:
            return False
        if not known:
            new.add_span(run.first, run.end)
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
    # A place among the bounds is that of no time at all, or a bucket's index + 2, see `bounds`.
    buckets = {place - 2: n for place, n in counts.items() if place}
    return Histogram(buckets, counts.get(0, 0), sum_ns, min_ns, max_ns)
