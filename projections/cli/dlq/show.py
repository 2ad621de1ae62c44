"""`syncstats dlq show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.dlq.choice import letter_id
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path

    from sync_queue.dead_letters import WholeLetter


@click.command(cls=Command, example="syncstats dlq show 1")
@click.argument("id", type=letter_id)
@data_option()
@json_option()
def show(id: int, data: Path, as_json: bool) -> None:  # noqa: A002 - the argument's name in the help
    """Show one dead letter: what went wrong, where, and the job, with its secrets masked."""
    from events.calls import call
    from events.redaction import Redactor
    from projections.cli.errors import CommandError
    from projections.cli.output import print_json
    from projections.cli.stores import letters_of
    from sync_queue.masking import shown_whole

    letters = letters_of(data)
    whole = None if letters is None else letters.get(id)
    if whole is None:
        raise CommandError(f"no dead letter {id} in {data}: {call('dlq list', data)} shows what is")
    shown = shown_whole(whole, Redactor())
    if as_json:
        print_json(shown)
    else:
        _print(whole, shown["job"])


def _print(whole: WholeLetter, job: object) -> None:
    import json

    from projections.cli.output import moment, plural, say

    letter = whole.letter
    failed = letter.failed_at_us
    facts = {
        "error": letter.error_type or "unknown",
        "message": letter.error_message,
        "failed at": None if failed is None else moment(failed),
        "after": None if letter.retry_count is None else plural(letter.retry_count, "failure"),
        "job": letter.job_id,
        "scene": letter.scene_id,
        "event": None if letter.stream is None else f"{letter.stream} {letter.seq}",
    }
    say(f"Dead letter {letter.id}")
    for name, value in facts.items():
        if value is not None:
            first, *more = str(value).splitlines() or [""]
            say(f"  {name:<10} {first}")
            for line in more:
                say(f"  {'':<10} {line}")
    if whole.stack_trace:
        say()
        for line in whole.stack_trace.rstrip("\n").split("\n"):
            say(line)
    say()
    if whole.unreadable is not None:
        say(f"Its job cannot be read: {whole.unreadable}")
    elif letter.from_log:
        say(
            "It was put back from the log, which does not hold its job: enqueue the job again, "
            "then purge this dead letter."
        )
    elif job is None:
        say("No job was stored with it.")
    else:
        say("Its job, secrets masked:")
        for line in json.dumps(job, indent=2, ensure_ascii=True).splitlines():
            say(f"  {line}")
