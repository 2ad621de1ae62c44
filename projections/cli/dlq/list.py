"""`syncstats dlq list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path

    from sync_queue.dead_letters import StoredLetter


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

    letters = letters_of(data)
    found = () if letters is None else letters.list(limit=limit or None, error_type=error_type)
    total = 0 if letters is None else letters.get_count()
    if as_json:
        print_json({"total": total, "dead_letters": [letter_fields(letter) for letter in found]})
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
                letter.error_message or "",
            )
            for letter in found
        ],
    )
    if len(found) == limit and limit < total:
        say(f"{count(limit)} of {plural(total, 'dead letter')} in all; --limit 0 lists all.")


def letter_fields(letter: StoredLetter) -> dict[str, Any]:
    """Make the JSON object of one dead letter, without its job."""
    from events.clock import format_timestamp

    failed = letter.failed_at_us
    return {
        "id": letter.id,
        "job_id": letter.job_id,
        "scene_id": letter.scene_id,
        "error_type": letter.error_type,
        "error_message": letter.error_message,
        "retry_count": letter.retry_count,
        "failed_at": None if failed is None else format_timestamp(failed),
        "stream": letter.stream,
        "seq": letter.seq,
    }
