"""A file of stats where a data folder is wanted: which command it is for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from projections.cli.no_outcome import holds_stats

if TYPE_CHECKING:
    from collections.abc import Sequence


def refuse_arguments(ctx: click.Context, args: Sequence[str]) -> None:
    """Refuse what was named beside the options of a command that takes none.

    Raises:
        click.UsageError: There is something.
    """
    if not args:
        return
    path = Path(args[0])
    if holds_stats(path):
        raise click.UsageError(lead_to_merge(path), ctx)
    if path.is_dir():
        raise click.UsageError(f"the data folder is named with --data: --data {path}", ctx)
    raise click.UsageError(f"Got unexpected extra argument ({args[0]})", ctx)


def lead_to_merge(path: Path) -> str:
    """What is said of a file of stats where a data folder is wanted."""
    return f"{path} is a file of stats, and no data folder: `syncstats merge {path}` prints it"
