"""`syncstats mapping show`."""

from __future__ import annotations

import click

from projections.cli.command import Command


@click.command(cls=Command, example="syncstats mapping show sidekiq > my.toml")
@click.argument("name")
def show(name: str) -> None:
    """Print the mapping that comes with syncstats as NAME: ecs, oban, sidekiq or structlog."""
    from events.formats.presets import preset_text
    from projections.cli.output import say

    say(preset_text(name).rstrip("\n"), escaped=True)
