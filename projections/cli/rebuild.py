"""`syncstats rebuild`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Command, example="syncstats rebuild")
@click.option(
    "--no-summaries",
    is_flag=True,
    help="Read all segments again, and make their summaries anew.",
)
@data_option()
@json_option()
def rebuild(no_summaries: bool, data: Path, as_json: bool) -> None:
    """Make stats.json anew from the event log, and put it in the old one's place.

    The old file is not read: use this when `syncstats verify` finds a difference, or the file is
    damaged. Of full segments whose files are as they were, their summaries are taken. Workers may
    run meanwhile.
    """
    from events.filesystem import RealFileSystem
    from projections.cli.options import existing
    from projections.cli.output import note, print_json, say
    from projections.cli.problems import Problems, tell_misnamed
    from projections.cli.progress import reading
    from projections.cli.stats_view import print_stats
    from projections.runner import Runner
    from projections.sources import find_sources, total_bytes

    def told(text: str) -> None:
        note(f"syncstats: {text}")

    fs = RealFileSystem()
    tell_misnamed(existing(data), fs)
    problems = Problems()
    sources = find_sources([str(data)], fs, any_file=False)
    with reading(lambda: total_bytes(sources, fs)) as progress:
        snapshot = Runner(
            data,
            fs=fs,
            notice=told,
            problem=problems,
            progress=progress,
            summed=not no_summaries,
        ).rebuild()
    problems.finish()
    if as_json:
        print_json(snapshot.to_dict())
        return
    say(f"{data / 'stats.json'} is made anew from the log.")
    say()
    print_stats(snapshot)
