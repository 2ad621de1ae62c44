"""`syncstats export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from projections.cli.command import Command
from projections.cli.options import data_option

if TYPE_CHECKING:
    from events.formats.mapping import Mapping
    from projections.exporting import Exporting

FORMATS = ("ecs", "oban", "structlog")
"""Those in which one line tells of one outcome: Sidekiq takes several."""


@click.command(
    cls=Command, example="syncstats export data/events --format structlog --out jobs.ndjson"
)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@data_option()
@click.option(
    "--format",
    "format_",
    metavar="F",
    type=click.Choice(FORMATS),
    help="What the lines become: ecs (Elastic Common Schema), oban or structlog. Not sidekiq, "
    "where it takes several lines to tell of one outcome.",
)
@click.option(
    "--mapping",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write lines that this mapping file (TOML) describes; instead of --format.",
)
@click.option(
    "--out",
    metavar="F",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the lines to this file, not to standard output.",
)
def export(
    paths: tuple[str, ...],
    data: Path,
    format_: str | None,
    mapping: Path | None,
    out: Path | None,
) -> None:
    """Write our outcomes as lines of another format, one line each.

    PATH is a file (.gz, .zst, .bz2 and .xz too), a folder (of an event log, all its streams), a
    glob in quotes, or - for standard input; without one, the data folder. Of our events, only
    outcomes are written, each once by its stream and seq. Read with the same format, the lines add
    up to the same attempts, failures, errors and times; what the format has no place for is left
    out: in ecs, what was skipped, whether a failure was the last, confidences, waiting times.
    """
    from io import BytesIO

    from events.filesystem import RealFileSystem
    from events.formats.export.exporter import Exporter
    from projections.cli.options import existing, standard_input
    from projections.cli.output import count, say, stdout
    from projections.cli.problems import Problems
    from projections.cli.progress import reading
    from projections.cli.writing import refuse_read, writing_out
    from projections.exporting import Exporting
    from projections.sources import STDIN, find_sources, total_bytes

    described = _described(format_, mapping)
    exporter = Exporter(described)
    fs = RealFileSystem()
    named = paths or (str(existing(data)),)
    problems = Problems()
    sources = find_sources(named, fs)
    if out is not None:
        refuse_read(out, sources, fs)
    with reading(lambda: total_bytes(sources, fs)) as progress:
        exporting = Exporting(
            named,
            exporter,
            stdin=standard_input() if STDIN in named else BytesIO(),
            fs=fs,
            problem=problems,
            progress=progress,
        )
        if out is None:
            _write(exporting, stdout().buffer)  # type: ignore[attr-defined]  # it is a text's stream
        else:
            with writing_out(out) as file:
                _write(exporting, file)
    problems.finish()
    _tell_missing(exporting, described)
    if out is not None:
        say(f"{count(exporting.written)} outcomes written to {out}, as {described.name}.")


def _described(format_: str | None, mapping: Path | None) -> Mapping:
    """What the lines are to be.

    Raises:
        CommandError: Not exactly one of the two was named.
        MappingError: The mapping file cannot be used.
    """
    from projections.cli.errors import CommandError

    if mapping is not None and format_ is None:
        from projections.cli.checked_mapping import read_checked

        return read_checked(mapping)
    if format_ is not None and mapping is None:
        from events.formats.presets import load_preset

        return load_preset(format_)
    raise CommandError(
        "name what the lines are to become, by one of --format (such as --format ecs) and --mapping"
    )


def _write(exporting: Exporting, file: BinaryIO) -> None:
    file.writelines(exporting)


def _tell_missing(exporting: Exporting, described: Mapping) -> None:
    from projections.cli.output import note, plural

    if not (exporting.written or exporting.left_out or exporting.pruned):
        note("syncstats: no outcome found: only syncstats' own lines can be exported")
    if exporting.left_out:
        note(
            f"syncstats: {plural(exporting.left_out, 'outcome')} left out, which format "
            f"{described.name} cannot tell of"
        )
    if exporting.pruned:
        note(
            f"syncstats: {plural(exporting.pruned, 'event')} of the streams had been pruned, and "
            "could not be exported"
        )
