"""`syncstats dlq restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path


@click.command(cls=Command, example="syncstats dlq restore --dry-run")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be put back.")
@data_option()
@json_option()
def restore(dry_run: bool, data: Path, as_json: bool) -> None:
    """Put back from the event log the dead letters that dlq.db lost.

    For a dlq.db that was lost, or restored from a backup that is older than the log. Letters that
    were purged or retried since come back too, since the file that knew of it is gone. The log
    does not hold the jobs, so these letters cannot be retried: enqueue such a job again, then
    purge its letter. Workers may run meanwhile.
    """
    from projections.cli.output import count, plural, print_json, say

    types = _put_back(data, dry_run=dry_run)
    if as_json:
        restored = {"restored": types.total(), "error_types": dict(types.most_common())}
        print_json({"dry_run": dry_run, **restored})
        return
    if not types:
        say(f"Nothing is missing: {data} has the dead letter of each dead job in its log.")
        return
    would = "would be" if dry_run else "were" if types.total() > 1 else "was"
    kinds = ", ".join(f"{count(number)} {name}" for name, number in types.most_common(10))
    more = f", and {count(len(types) - 10)} more errors" if len(types) > 10 else ""
    say(f"{plural(types.total(), 'dead letter')} {would} put back from the log: {kinds}{more}.")
    say(
        "The log does not hold their jobs: enqueue those again that are still to be done, then "
        "purge their letters. Letters that were purged or retried before come back too."
    )


def _put_back(data: Path, *, dry_run: bool) -> Counter[str]:
    """Put the lost letters back, unless it is a dry run; count them by error type."""
    from collections import Counter
    from contextlib import ExitStack

    from events.filesystem import RealFileSystem
    from projections.cli.stores import letters_of, queue_of
    from sync_queue.dlq import DeadLetterQueue
    from worker.lost_letters import lost_letters, put_back

    fs = RealFileSystem()
    types: Counter[str] = Counter()
    with ExitStack() as stack:
        queue = queue_of(data)
        if queue is not None:
            stack.enter_context(queue)
        if dry_run:
            lists = lost_letters(data, letters_of(data), queue, fs)
        else:
            letters = stack.enter_context(DeadLetterQueue(data, keep_open=True))
            lists = put_back(data, letters, queue, fs)
        for lost in lists:
            types.update(letter.error_type for letter in lost)
    return types
