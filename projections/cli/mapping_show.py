"""`syncstats mapping show`."""

from __future__ import annotations

import click

from events.formats.names import PRESETS
from projections.cli.command import Command


@click.command(cls=Command, example="syncstats mapping show sidekiq > my.toml")
@click.argument("name", required=False)
def show(name: str | None) -> None:
    """Print the mapping that comes with syncstats as NAME: ecs, oban, sidekiq or structlog.

    Without NAME, say what each of them reads.
    """
    from events.formats.presets import load_preset, preset_text
    from projections.cli.output import Column, say, table

    if name is None:
        table(
            [Column("name"), Column("reads")],
            [(preset, load_preset(preset).description) for preset in PRESETS],
        )
        return
    say(preset_text(name).rstrip("\n"), escaped=True)
