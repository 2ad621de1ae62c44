"""`syncstats dlq purge`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from projections.cli.command import Command
from projections.cli.dlq.choice import answer, choose, choosing, none_there

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Command, example="syncstats dlq purge --all --dry-run")
@choosing
def purge(data: Path, as_json: bool, **chosen: Any) -> None:
    """Delete dead letters for good. Their events stay in the log, and so in the stats."""
    from projections.cli.stores import letters_of

    choice = choose(**chosen)
    letters = letters_of(data)
    if letters is None:
        results = none_there(choice)
    else:
        results = letters.purge(*choice.ids, **choice.arguments())
    answer(results, choice, as_json=as_json)
