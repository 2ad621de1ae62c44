"""`syncstats enqueue`: add jobs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import click

from projections.cli.command import Command
from projections.cli.options import data_option, json_option, standard_input

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@click.command(
    cls=Command,
    example="""
    echo '{"scene_id": 7, "job_key": "scene_7"}' | syncstats enqueue -
    """,
)
@click.argument("file", type=click.Path(allow_dash=True))
@data_option()
@json_option()
def enqueue(file: str, data: Path, as_json: bool) -> None:
    """Add jobs from a file of JSON Lines; - reads standard input.

    A line is one job: scene_id (an integer), update_type ("metadata" if missing), data (anything;
    it reaches the handler unchanged), and job_key: while a job of that key waits, another is not
    added. All lines are added or, if one is wrong, none. The data folder is made if need be.
    """
    from projections.cli.errors import CommandError
    from projections.cli.output import answering, count, plural, print_json, say
    from sync_queue.errors import InvalidJobError
    from sync_queue.job_lines import read_jobs
    from sync_queue.queue import JobQueue

    name = "standard input" if file == "-" else file
    with _opened(file) as lines, JobQueue(data) as queue:
        try:
            result = queue.enqueue_many(read_jobs(lines))
        except InvalidJobError as error:
            raise CommandError(f"{name}: {error}; nothing was added") from error
    with answering(f"{plural(result.added, 'job')} added to {data}"):
        if as_json:
            print_json({"added": result.added, "already_waiting": result.already_waiting})
            return
        say(f"Added {plural(result.added, 'job')} to {data}.")
        if result.already_waiting:
            verb = "was" if result.already_waiting == 1 else "were"
            say(f"{count(result.already_waiting)} {verb} not added: a job of that job_key waits.")


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield standard_input()
        return
    from projections.cli.errors import CommandError

    try:
        opened = open(file, "rb")  # noqa: PTH123, SIM115 - /dev/fd/… and pipes are welcome
    except OSError as error:
        raise CommandError(
            f"{file} cannot be read: {error.strerror}; name a file of JSON Lines, or - for "
            "standard input"
        ) from error
    with opened as lines:
        yield lines
