"""`syncstats replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from events.formats.names import NATIVE, NONE
from projections.cli.command import Command
from projections.cli.errors import CommandError
from projections.cli.formats import format_options
from projections.cli.options import data_option, existing, json_option

if TYPE_CHECKING:
    from projections.parallel.head_start import HeadStart


@click.command(
    cls=Command,
    example="""
    syncstats replay data/events --json
    echo '{"msg":"done","ctx":{"jid":"5f","elapsed":0.1}}' > sidekiq.log
    syncstats replay sidekiq.log --format sidekiq
    """,
)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@data_option()
@format_options()
@click.option("--strict", is_flag=True, help="Stop at the first invalid line, with status 1.")
@click.option(
    "--out",
    metavar="F",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the stats to this file, for `syncstats merge`.",
)
@click.option(
    "--engine",
    metavar="dask",
    type=click.Choice(["dask"]),
    help="Read with many processes, of this machine or a cluster. Also takes URLs (s3://…).",
)
@click.option(
    "--scheduler",
    metavar="ADDR",
    help="The cluster's scheduler (tcp://host:8786).  [default: processes of this machine]",
)
@json_option()
@click.pass_context
def replay(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    data: Path,
    format_: str | None,
    mapping: Path | None,
    wrapped: str | None,
    strict: bool,
    out: Path | None,
    engine: str | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Add up a log again, our own or another program's, and print the stats.

    Touches nothing unless --out is given.

    PATH is a file (.gz, .zst, .bz2 and .xz too), a folder (of an event log, all its streams), a
    glob in quotes, or - for standard input; without one, the data folder. Our own lines may come
    in any order and more than once: each counts once by its stream and seq. With another format,
    rotated files of one log (app.log, app.log.1, app.log.2.gz) are read as one, the oldest first;
    a line that another one would complete counts at the end as it stands. With --format auto, logs
    whose first lines show no format are told and left out: status 1, or 2 if there is no other.

    With --engine dask the files are read by many processes, on this machine or on others (it needs
    the extra 'dask'), and the result is the same.
    """
    begun: HeadStart | None = ctx.obj
    is_ours = format_ in {None, NATIVE} and mapping is None and wrapped in {None, NONE}
    if begun is not None and (engine is not None or not is_ours):
        begun.close()  # before all else is loaded
        begun = None

    from events.filesystem import RealFileSystem
    from projections.cli.failures import FOUND
    from projections.cli.formats import LogNotes, choice_of
    from projections.cli.output import print_json, say
    from projections.cli.problems import Problems
    from projections.cli.replaying import Asked, replay_here, replay_on_dask
    from projections.cli.stats_view import print_stats
    from projections.cli.writing import write_out

    asked = Asked(
        paths=paths or (str(existing(data)),),
        choice=choice_of(format_, mapping, wrapped),
        strict=strict,
        out=out,
        fs=RealFileSystem(),
        problems=Problems(),
        told=LogNotes(),
    )
    if engine is None:
        if scheduler is not None:
            raise CommandError("--scheduler is for --engine dask: say that, too")
        replayed = replay_here(asked, begun)
    else:
        replayed = replay_on_dask(asked, scheduler)
    if out is not None:
        write_out(out, replayed.snapshot.to_bytes())
    if as_json:
        print_json(replayed.snapshot.to_dict())
    else:
        print_stats(replayed.snapshot)
        if out is not None:
            say()
            say(f"Written to {out}.")
    ctx.exit(FOUND if replayed.unknown else 0)
