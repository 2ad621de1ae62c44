"""`syncstats pause` and `syncstats resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Command, example="syncstats pause")
@data_option()
@json_option()
def pause(data: Path, as_json: bool) -> None:
    """Stop taking jobs, in all workers of the data folder.

    What runs is finished and recorded. The workers stay (one with --drain ends), and it stays so
    after they are started again, until `syncstats resume`.
    """
    _set(data, paused=True, as_json=as_json)


@click.command(cls=Command, example="syncstats resume")
@data_option()
@json_option()
def resume(data: Path, as_json: bool) -> None:
    """Take jobs again after `syncstats pause`."""
    _set(data, paused=False, as_json=as_json)


def _set(data: Path, *, paused: bool, as_json: bool) -> None:
    from events.calls import call
    from projections.cli.output import answering, print_json, say
    from projections.cli.stores import needed_queue

    with needed_queue(data) as queue:
        changed = queue.is_paused() != paused
        if paused:
            queue.pause()
        else:
            queue.resume()
    with answering(f"{data} is {'paused' if paused else 'working again'}"):
        if as_json:
            print_json({"paused": paused, "changed": changed})
        elif paused:
            already = "" if changed else " already"
            then = call("resume", data)
            say(f"{data} is{already} paused: no worker takes a job until {then}.")
        else:
            say(f"{data} is working again." if changed else f"{data} was not paused.")
