"""`syncstats show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path

    from sync_queue.jobs import QueueCounts


@click.command(cls=Command, example="syncstats show")
@data_option()
@json_option()
def show(data: Path, as_json: bool) -> None:
    """Show the stats, the queue and the dead letters.

    The stats are those of stats.json, which `syncstats run` keeps current; with --json its layout,
    and beside it `queue` and `dead_letters`. `syncstats merge FILE` prints what ingest keeps.
    """
    from events.calls import call
    from events.clock import SystemClock
    from events.filesystem import RealFileSystem
    from projections.cli.options import existing
    from projections.cli.output import print_json, say
    from projections.cli.stats_view import print_queue, print_stats
    from projections.cli.stores import letters_of
    from projections.snapshot import Snapshot
    from projections.store import SnapshotStore

    stored = SnapshotStore(existing(data), fs=RealFileSystem(), clock=SystemClock()).load()
    snapshot = stored or Snapshot.empty()
    counts = _counts(data)
    letters = letters_of(data)
    dead = {} if letters is None else letters.get_error_summary()
    if as_json:
        print_json({**snapshot.to_dict(), "queue": queue_fields(counts), "dead_letters": dead})
        return
    if stored is None:
        run, again = call("run", data), call("rebuild", data)
        say(f"No stats in {data} yet: {run} makes them, {again} too.")
    else:
        print_stats(snapshot)
    say()
    print_queue(counts, dead, data)


def _counts(data: Path) -> QueueCounts:
    """Count what waits; nothing does where there is no queue yet."""
    from projections.cli.stores import queue_of
    from sync_queue.jobs import QueueCounts

    queue = queue_of(data)
    if queue is None:
        return QueueCounts(due=0, scheduled=0, next_due_at_us=None, leased=0, paused=False)
    with queue:
        return queue.counts()


def queue_fields(counts: QueueCounts) -> dict[str, Any]:
    """Make the JSON object of the queue as it is now."""
    from events.clock import format_timestamp

    due = counts.next_due_at_us
    return {
        "due": counts.due,
        "scheduled": counts.scheduled,
        "next_due_at": None if due is None else format_timestamp(due),
        "leased": counts.leased,
        "paused": counts.paused,
    }
