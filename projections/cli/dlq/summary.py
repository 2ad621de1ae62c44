"""`syncstats dlq summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Command, example="syncstats dlq summary")
@data_option()
@json_option()
def summary(data: Path, as_json: bool) -> None:
    """Count the dead letters by error type; with `--json` one object, from type to count."""
    from projections.cli.output import Column, count, plural, print_json, say, table
    from projections.cli.stores import letters_of

    letters = letters_of(data)
    counts = {} if letters is None else letters.get_error_summary()
    if as_json:
        print_json(counts)
        return
    if not counts:
        say(f"No dead letters in {data}.")
        return
    table(
        [Column("error"), Column("dead letters", right=True)],
        [(name, count(number)) for name, number in counts.items()],
    )
    say(f"{plural(sum(counts.values()), 'dead letter')} in {data}.")
