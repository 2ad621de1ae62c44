"""A progress bar on stderr, with rate and time left; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from projections.cli.output import console_for, is_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def reading(total_bytes: Callable[[], int | None]) -> Iterator[Callable[[int], None]]:
    """Show how far the reading of a log is.

    Args:
        total_bytes: Gives how much will be read; None where nobody knows (a pipe, compressed
            files). It is asked only where it is shown: a log may have thousands of files.

    Yields:
        What to tell how many more bytes were read.
    """
    if sys.stderr is None or not is_terminal(sys.stderr):
        yield lambda _: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    with Progress(
        TextColumn("reading"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console_for(sys.stderr),
        transient=True,  # the result stands alone when it is there
    ) as bar:
        task = bar.add_task("reading", total=total_bytes())
        yield lambda more: bar.advance(task, more)
