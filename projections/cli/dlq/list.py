"""`syncstats dlq list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command("list", cls=Command, example="syncstats dlq list --type PlexNotFound --limit 5")
@click.option("--type", "error_type", metavar="T", help="Only those that died of this error.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many at most; 0 for all.",
)
@data_option()
@json_option()
def list_letters(error_type: str | None, limit: int, data: Path, as_json: bool) -> None:
    """List dead letters, the newest first."""
    from projections.cli.output import Column, count, moment, plural, print_json, say, table
    from projections.cli.stores import letters_of
    from sync_queue.masking import shown_letter

    letters = letters_of(data)
    found = () if letters is None else letters.list(limit=limit or None, error_type=error_type)
    total = 0 if letters is None else letters.get_count()
    if as_json:
        print_json({"total": total, "dead_letters": [shown_letter(letter) for letter in found]})
        return
    if not found:
        of = f" of {error_type}" if error_type else ""
        say(f"No dead letters{of} in {data}.")
        return
    table(
        [
            Column("id", right=True),
            Column("failed at"),
            Column("scene", right=True),
            Column("error"),
            Column("message", cut=True),
        ],
        [
            (
                str(letter.id),
                "?" if letter.failed_at_us is None else moment(letter.failed_at_us),
                "" if letter.scene_id is None else str(letter.scene_id),
                letter.error_type or "unknown",
                f"{'(from the log) ' if letter.from_log else ''}{letter.error_message or ''}",
            )
            for letter in found
        ],
    )
    if len(found) == limit and limit < total:
        say(f"{count(limit)} of {plural(total, 'dead letter')} in all; --limit 0 lists all.")
