"""`syncstats dlq retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from projections.cli.command import Command
from projections.cli.dlq.choice import answer, choose, choosing, none_there

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Command, example="syncstats dlq retry --all --dry-run")
@choosing
def retry(data: Path, as_json: bool, **chosen: Any) -> None:
    """Enqueue the jobs of dead letters again; each that was enqueued is a dead letter no more.

    Safe to repeat: a call that was cut short, or two at once, enqueue a job once. A letter whose
    job_key waits in the queue already is kept, and so is one whose job cannot be read.
    """
    from projections.cli.stores import letters_of

    choice = choose(**chosen)
    letters = letters_of(data)
    if letters is None:
        results = none_there(choice)
    else:
        results = letters.retry(*choice.ids, **choice.arguments())
    answer(results, choice, as_json=as_json)
