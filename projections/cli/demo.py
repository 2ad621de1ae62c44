"""`syncstats demo`: a small real run, start to end, explained line by line."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from projections.cli.command import Command


@click.command(cls=Command, example="syncstats demo")
@click.option("--keep", is_flag=True, help="Keep the folder, to look around in it.")
@click.pass_context
def demo(ctx: click.Context, keep: bool) -> None:
    """Watch a small real run: jobs worked and logged, a worker killed, nothing lost.

    A media library is made in a temporary folder, 300 jobs bring metadata to its films, a worker
    is killed with SIGKILL halfway and another takes over; then the stats are thrown away and made
    anew from the event log. Takes a few seconds; status 1 if anything does not add up.
    """
    from projections.cli.demo_play import Demo
    from projections.cli.output import say

    folder = Path(tempfile.mkdtemp(prefix="syncstats-demo-"))
    try:
        problems = Demo(folder).play()
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    say()
    if problems:
        say(f"This does not add up: {'; '.join(problems)}.")
        ctx.exit(1)
    say("Nothing lost, nothing counted twice: the log is the truth, the stats follow.")
    if keep:
        say(f"Look around:  syncstats show --data {folder / 'data'}")
    else:
        say("Your own:  syncstats enqueue JOBS.jsonl; syncstats run --handler SPEC --drain")
