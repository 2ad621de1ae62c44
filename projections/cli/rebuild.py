"""`syncstats rebuild`."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.errors import CommandError
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


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

    Nothing is taken from the old file: use this when `syncstats verify` finds a difference, or the
    file is damaged. Of full segments whose files are as they were, their summaries are taken.
    Workers may run meanwhile.
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
    with reading(lambda: total_bytes(sources, fs)) as progress, explained(data):
        runner = Runner(
            data,
            fs=fs,
            notice=told,
            problem=problems,
            progress=progress,
            summed=not no_summaries,
        )
        snapshot = runner.rebuild()
    problems.finish()
    if as_json:
        print_json(snapshot.to_dict())
        return
    what = "is made anew from the log"
    if not runner.replaced:
        what = "is what the log says already, and was left as it is"
    say(f"{data / 'stats.json'} {what}.")
    say()
    print_stats(snapshot)


@contextmanager
def explained(data: Path) -> Iterator[None]:
    """Say of a data folder that cannot be written to what is to be done about it.

    Raises:
        CommandError: It may not be written to.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FORBIDDEN or Path(error.filename or "").parent != data:
            raise
        raise CommandError(
            f"{data / 'stats.json'} cannot be written: {error.strerror}; let this user write in "
            f"the folder {data}, and try again"
        ) from error
