"""`syncstats replay`."""

from __future__ import annotations

from pathlib import Path

import click

from projections.cli.command import Command
from projections.cli.formats import format_options
from projections.cli.options import data_option, json_option


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
    """
    from io import BytesIO

    from events.filesystem import RealFileSystem
    from projections.choosing import unrecognised
    from projections.cli.failures import FOUND
    from projections.cli.formats import LogNotes, choice_of
    from projections.cli.no_outcome import counts_nothing, why_none
    from projections.cli.options import existing, standard_input
    from projections.cli.output import note, print_json, say
    from projections.cli.problems import Problems
    from projections.cli.progress import reading
    from projections.cli.stats_view import print_stats
    from projections.cli.writing import refuse_read, write_out
    from projections.replay import replay as fold_again
    from projections.sources import STDIN, find_sources, total_bytes

    fs = RealFileSystem()
    named = paths or (str(existing(data)),)
    choice = choice_of(format_, mapping, wrapped)
    problems, told, unknown = Problems(), LogNotes(), LogNotes()
    sources = find_sources(named, fs)
    if out is not None:
        refuse_read(out, sources, fs)
    read = 0

    def counted(more: int) -> None:
        nonlocal read
        read += more
        progress(more)

    with reading(total_bytes(sources, fs)) as progress:
        replayed = fold_again(
            named,
            stdin=standard_input() if STDIN in named else BytesIO(),
            choice=choice,
            strict=strict,
            fs=fs,
            problem=problems,
            progress=counted,
            told=told,
        )
    told.finish()
    problems.finish()
    for log in replayed.unknown:
        unknown(f"{unrecognised(log)}; nothing of it was counted")
    unknown.finish()
    if read and counts_nothing(replayed.snapshot):
        why = why_none(sources, choice, fs)
        if why is not None:
            note(f"syncstats: {why}")
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
