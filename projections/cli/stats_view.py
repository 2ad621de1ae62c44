"""Stats for people. Attempts and jobs are never mixed, and what is shown adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.calls import call
from projections.cli.output import Column, count, duration, moment, percent, plural, say, table
from projections.entry import LOOSE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from projections.snapshot import Snapshot
    from sync_queue.jobs import QueueCounts
    from worker.histogram import Histogram
    from worker.stats import SyncStats

_LABEL = 13  # columns
_SHOWN_ERRORS = 20


def print_stats(snapshot: Snapshot) -> None:
    """Print what a snapshot adds up to.

    Attempts: processed = succeeded + failed, and failed = to be retried + dead. Jobs: those that
    came to an end = succeeded + dead.
    """
    stats = snapshot.total()
    line(
        "Attempts",
        f"{count(stats.jobs_processed)} = {count(stats.jobs_succeeded)} succeeded + "
        f"{count(stats.jobs_failed)} failed ({percent(stats.success_rate)} succeeded)",
    )
    if stats.jobs_failed:
        line(
            "",
            f"failed = {count(stats.jobs_retried)} to be retried + "
            f"{count(stats.jobs_to_dlq)} ended dead",
        )
    if stats.jobs_skipped:
        line("", f"beside them {count(stats.jobs_skipped)} skipped: there was nothing to do")
    ended = stats.jobs_succeeded + stats.jobs_to_dlq
    line(
        "Jobs",
        f"{count(ended)} ended = {count(stats.jobs_succeeded)} succeeded + "
        f"{count(stats.jobs_to_dlq)} dead ({percent(stats.completion_rate)} completed)",
    )
    if stats.jobs_recovered:
        line("", f"{count(stats.jobs_recovered)} of them succeeded at a later attempt")
    if stats.jobs_succeeded:
        line(
            "Matches",
            f"{count(stats.high_confidence_matches)} of high confidence, "
            f"{count(stats.low_confidence_matches)} of low",
        )
    if stats.jobs_with_warnings:
        line("Warnings", f"in {plural(stats.jobs_with_warnings, 'attempt')}")
    _times(stats)
    _log(snapshot)
    print_errors(stats.errors_by_type)


def print_errors(errors: Mapping[str, int]) -> None:
    """Print failed attempts by error type, the most frequent first."""
    if not errors:
        return
    ranked = sorted(errors.items(), key=lambda item: (-item[1], item[0]))
    say()
    table(
        [Column("error"), Column("failed attempts", right=True)],
        [(name, count(number)) for name, number in ranked[:_SHOWN_ERRORS]],
    )
    rest = ranked[_SHOWN_ERRORS:]
    if rest:
        attempts = plural(sum(number for _, number in rest), "attempt")
        say(
            f"and {attempts} with {plural(len(rest), 'other error')} (--json has all that are kept)"
        )


def print_queue(counts: QueueCounts, letters: Mapping[str, int], data: Path) -> None:
    """Print the queue and the dead letters of a data folder as they are now."""
    later = f"{count(counts.scheduled)} scheduled"
    if counts.next_due_at_us is not None:
        later += f" (next at {moment(counts.next_due_at_us)})"
    line("Queue now", f"{count(counts.due)} due, {later}, {count(counts.leased)} leased")
    if counts.paused:
        line("", f"paused: no worker takes a job until {call('resume', data)}")
    dead = sum(letters.values())
    line("Dead letters", f"{count(dead)} ({call('dlq list', data)})" if dead else "none")


def line(label: str, text: str) -> None:
    """Print one fact with its label."""
    say(f"{label:<{_LABEL}}{text}")


def _times(stats: SyncStats) -> None:
    if stats.latency.count:
        line("Time", f"avg {duration(stats.avg_processing_time)}, {_quantiles(stats.latency)}")
    if stats.waiting.count:
        line("Waited", _quantiles(stats.waiting))


def _quantiles(times: Histogram) -> str:
    return ", ".join(
        f"{name} {duration(times.quantile(q))}"
        for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
    )


def _log(snapshot: Snapshot) -> None:
    streams = sum(name != LOOSE for name in snapshot.streams)
    facts = [plural(streams, "stream")] if streams else []
    newest = snapshot.as_of_us
    facts.append("no outcome" if newest is None else f"newest outcome {moment(newest)}")
    line("Log", ", ".join(facts))
    wrong = [
        plural(number, what)
        for number, what in (
            (snapshot.invalid_lines, "invalid line"),
            (snapshot.duplicates, "duplicate"),
            (snapshot.gaps, "gap"),
        )
        if number
    ]
    if wrong:
        line("", f"with {', '.join(wrong)}")
