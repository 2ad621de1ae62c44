"""`syncstats ingest`."""

from __future__ import annotations

from pathlib import Path

import click

from projections.cli.command import Command
from projections.cli.formats import format_options
from projections.cli.options import Seconds, json_option


@click.command(
    cls=Command,
    example="""
    echo '{"msg":"done","ctx":{"jid":"5f","elapsed":0.1}}' > sidekiq.log
    syncstats ingest sidekiq.log --state sidekiq.json --format sidekiq
    syncstats merge sidekiq.json
    """,
)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--state",
    "state_path",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the stats in this file, and how far each file was read; made where missing.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@format_options(default="auto")
@click.option(
    "--exclude",
    metavar="GLOB",
    multiple=True,
    help="Read no files of folders and globs, and no rotated ones, whose name or path matches. "
    "Repeatable.",
)
@click.option(
    "--ignore-older",
    metavar="TIME",
    type=Seconds(),
    help="Do not read files that are new to FILE and were last written so long ago, as 7d.",
)
@click.option(
    "--from-end", is_flag=True, help="Of files that are there at the first run read what comes."
)
@click.option(
    "--new-state",
    is_flag=True,
    help="Where FILE is damaged, keep it as FILE.corrupt-TIME and begin anew.",
)
@json_option()
@click.pass_context
def ingest(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    state_path: Path,
    follow: bool,
    format_: str | None,
    mapping: Path | None,
    wrapped: str | None,
    exclude: tuple[str, ...],
    ignore_older: float | None,
    from_end: bool,
    new_state: bool,
    as_json: bool,
) -> None:
    """Add what logs tell to the stats in a file; each line counts once, over any number of runs.

    PATH is a file, a folder of .jsonl files (of an event log, all its streams), a glob in quotes,
    or - for standard input, each line of which counts. A file stands for its log: what it is
    rotated to after the first run (app.log.1, app.log-20261124.gz) is read on, also where a glob
    does not match it; the first run reads but what is named. Without --follow what is there is read
    once, and the stats are printed.

    FILE has the layout of stats.json, so `syncstats merge FILE` prints it, also meanwhile: the same
    state twice, or an older and a newer one, counts once; states of several machines add up. Stats
    and positions are saved together, so that a crash at any moment loses and repeats nothing of
    files; those that are renamed, copied or compressed are known again. A damaged FILE is
    refused, with status 2, until it is mended or --new-state is given: logs may be gone that it had
    counted.
    """
    from events.clock import SystemClock
    from events.filesystem import RealFileSystem
    from projections.cli.formats import choice_of
    from projections.cli.ingesting import Asked, run
    from projections.cli.options import standard_input

    asked = Asked(
        paths=paths,
        state=state_path,
        choice=choice_of(format_, mapping, wrapped, default="auto"),
        follow=follow,
        exclude=exclude,
        ignore_older_s=ignore_older,
        from_end=from_end,
        new_state=new_state,
        as_json=as_json,
    )
    stdin = standard_input() if "-" in paths else None
    ctx.exit(run(asked, stdin=stdin, fs=RealFileSystem(), clock=SystemClock()))
