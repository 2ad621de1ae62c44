"""The options that say in which format lines are: `--format`, `--mapping`, `--wrapped`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from events.formats.names import AUTO, FORMATS, NATIVE, NONE, WRAPPED
from projections.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from projections.choosing import Choice

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

SHOWN = 20


def format_options(default: str = NATIVE) -> Decorator:
    """Make the three options; `choice_of` takes their values, and the same ``default``."""
    format_ = click.option(
        "--format",
        "format_",
        metavar="F",
        type=click.Choice(FORMATS),
        help="What the lines are: native (our own), ecs, oban, sidekiq, structlog, or auto: what "
        f"the first lines of each log show.  [default: {default}]",
    )
    mapping = click.option(
        "--mapping",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The lines are as this mapping file (TOML) describes them; instead of --format.",
    )
    wrapped = click.option(
        "--wrapped",
        metavar="W",
        type=click.Choice(WRAPPED),
        help="What has wrapped each line: docker (json-file), cri (Kubernetes), journald (-o "
        "json), syslog, none, or auto.  [default: auto with --format auto, else none]",
    )
    return lambda function: format_(mapping(wrapped(function)))


def choice_of(
    format_: str | None, mapping: Path | None, wrapped: str | None, default: str = NATIVE
) -> Choice:
    """What was said of the format; ``default`` where nothing was.

    Raises:
        CommandError: Both a format and a mapping were named.
        MappingError: The mapping file cannot be used.
    """
    from projections.choosing import Choice

    if mapping is not None:
        if format_ is not None:
            raise CommandError(
                "--format and --mapping exclude each other: the mapping says what the lines are"
            )
        from projections.cli.checked_mapping import read_checked

        described = read_checked(mapping)
        return Choice(described.name, described, wrapped or NONE)
    name = format_ or default
    if name == AUTO:
        return Choice(AUTO, None, wrapped or AUTO)
    if name == NATIVE:
        return Choice(NATIVE, None, wrapped or NONE)
    from events.formats.presets import load_preset

    return Choice(name, load_preset(name), wrapped or NONE)


class LogNotes:
    """Says something of each log on stderr, of the first ones: most often in which format it is."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, text: str) -> None:
        """Say it of one log."""
        from projections.cli.output import note

        self._count += 1
        if self._count <= SHOWN:
            note(f"syncstats: {text}")

    def finish(self) -> None:
        """Say how many more there were."""
        from projections.cli.output import note, plural

        if self._count > SHOWN:
            note(f"syncstats: and so on, for {plural(self._count - SHOWN, 'more log')}")
