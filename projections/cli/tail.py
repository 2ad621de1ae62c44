"""`syncstats tail`."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING, Self

import click

from projections.cli.command import Command
from projections.cli.options import data_option, existing, standard_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

    from rich.live import Live

    from projections.cli.event_view import View


@click.command(cls=Command, example="syncstats tail --lines 5")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@data_option()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many of the newest events come first.",
)
@click.option("--full", is_flag=True, help="Do not cut long lines.")
def tail(paths: tuple[str, ...], data: Path, follow: bool, lines: int, full: bool) -> None:
    """Read the newest events, and with --follow those that come.

    PATH is a file, a folder (of an event log, all its streams) or - for standard input; without
    one, the data folder. On a terminal, --follow shows a line of stats below, which adds up what
    came since. Times are UTC.
    """
    from events.filesystem import RealFileSystem
    from projections.following import Follower

    named = paths or (str(existing(data)),)
    stdin = standard_input() if "-" in named else BytesIO()
    with ExitStack() as stack:
        follower = Follower(named, fs=RealFileSystem(), stdin=stdin)
        stack.callback(follower.close)
        screen = stack.enter_context(Screen(live=follow, full=full))
        # a pipe's newest lines are known at its end only, so a followed one is shown as it comes
        newest = _by_time(follower.newest(lines, pipes=not follow))
        screen.show(newest[-lines:] if lines else [])
        if follow:
            for look in follower.follow(_until()):
                screen.show((line for _, line in look), add_up=True)


_until: Callable[[], threading.Event] = threading.Event  # never set: an interrupt ends it


def _by_time(lines: list[bytes]) -> list[bytes]:
    """Sort lines by their events' times; one without a time stays behind the one before it."""
    from events.clock import EPOCH
    from projections.cli.event_view import view

    latest = EPOCH
    timed = []
    for line in lines:
        latest = view(line).moment or latest
        timed.append((latest, line))
    return [line for _, line in sorted(timed, key=lambda pair: pair[0])]


class Screen:
    """Prints events; on a terminal with a line of stats that stays below them.

    Args:
        live: Whether more events will come.
        full: Whether long lines are kept whole.
    """

    def __init__(self, *, live: bool, full: bool) -> None:
        from projections.cli.output import console_for, stdout
        from projections.fold import Fold

        self._console = console_for(stdout())
        self._full = full
        self._fold = Fold()
        self._day: date | None = None
        self._live: Live | None = None
        if live and self._console.is_terminal:
            from rich.live import Live

            self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, lines: Iterable[bytes], *, add_up: bool = False) -> None:
        """Print these events, and with ``add_up`` add them to the stats."""
        from projections.cli.event_view import view

        recent: list[bytes] = []
        for line in lines:
            self._print(view(line))
            recent.append(line + b"\n")
        sys.stdout.flush()
        if add_up and recent and self._live is not None:
            self._fold.lines(b"".join(recent))
            self._live.update(self._stats(), refresh=True)

    def _print(self, event: View) -> None:
        from rich.text import Text

        from events.terminal import safe
        from projections.cli.output import say

        if event.moment is not None and event.moment.date() != self._day:
            self._day = event.moment.date()
            self._console.print(Text(f"--- {self._day} UTC", "dim"))
        text = safe(event.line())
        if not self._console.is_terminal:
            width = self._console.width
            say(text if self._full or len(text) <= width else f"{text[: width - 1]}…", escaped=True)
            return
        shown = Text(text)
        shown.stylize(event.style, 9, 9 + len(event.mark))
        if self._full:
            self._console.print(shown, overflow="fold")
        else:
            self._console.print(shown, no_wrap=True, overflow="ellipsis")

    def _stats(self) -> str:
        from projections.cli.output import count, duration, percent
        from projections.snapshot import Snapshot

        stats = Snapshot(self._fold.entries()).total()
        return (
            f"{count(stats.jobs_processed)} attempts: {count(stats.jobs_succeeded)} succeeded "
            f"({percent(stats.success_rate)}), {count(stats.jobs_failed)} failed, "
            f"{count(stats.jobs_to_dlq)} dead; avg {duration(stats.avg_processing_time)}"
        )
