"""What is no data folder where one is wanted: what it is, and what to name instead."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from events.filesystem import REAL
from events.log.segment import list_segments
from events.log.stream import EVENTS_FOLDER, valid_stream_name
from projections.cli.no_outcome import holds_stats

if TYPE_CHECKING:
    from collections.abc import Sequence


def refuse_arguments(ctx: click.Context, args: Sequence[str]) -> NoReturn:
    """Refuse what was named beside the options of a command that takes none.

    Raises:
        click.UsageError: Always; it says what is meant for which option or command.
    """
    path = Path(args[0])
    if holds_stats(path):
        raise click.UsageError(lead_to_merge(path), ctx)
    if path.is_dir():
        raise click.UsageError(f"the data folder is named with --data: --data {path}", ctx)
    plural = "" if len(args) == 1 else "s"
    raise click.UsageError(f"Got unexpected extra argument{plural} ({' '.join(args)})", ctx)


def lead_to_merge(path: Path) -> str:
    """What is said of a file of stats where a data folder is wanted."""
    return f"{path} is a file of stats, and no data folder: `syncstats merge {path}` prints it"


def part_of_a_log(path: Path) -> str | None:
    """Why a folder is no data folder but its event log, or a stream of one; None where it may be.

    It is told by what is in it, since a data folder may have any name: segments, or folders of
    segments, and no log of its own.

    Raises:
        OSError: It cannot be listed.
    """
    if (path / EVENTS_FOLDER).is_dir():
        return None
    if list_segments(path, REAL):
        return _instead(path, "a stream", path / os.pardir)
    with os.scandir(path) as each:
        names = [entry.name for entry in each if entry.is_dir() and valid_stream_name(entry.name)]
    if any(_holds_segments(path / name) for name in names):
        return _instead(path, "the log", path)
    return None


def _holds_segments(folder: Path) -> bool:
    with suppress(OSError):  # not for us to read, or just removed
        return bool(list_segments(folder, REAL))
    return False


def _instead(path: Path, what: str, log: Path) -> str:
    """Say which data folder the log belongs to; by its own name, or where a link leads."""
    given = Path(os.path.abspath(log))  # noqa: PTH100 - links are to stay, and ".." to go
    own = given if given.name == EVENTS_FOLDER else given.resolve()
    if own.name != EVENTS_FOLDER:
        alone = what.replace("the log", "an event log")
        return f"{path} is {alone}, and no data folder: `syncstats replay {path}` adds it up"
    data = own.parent if path.is_absolute() else os.path.relpath(own.parent)
    return f"{path} is {what} of a data folder, not the folder itself: --data {data}"
