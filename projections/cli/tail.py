"""`syncstats tail`."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.formats import format_options
from projections.cli.options import Pattern, data_option, existing, standard_input

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@click.command(
    cls=Command,
    example="""
    syncstats tail --lines 5
    echo '{"msg":"done","ctx":{"jid":"5f","elapsed":0.1}}' > sidekiq.log
    syncstats tail sidekiq.log --format sidekiq
    """,
)
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@data_option()
@format_options()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until interrupted.")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many of the newest events come first, of those that --only and --grep let pass.",
)
@click.option(
    "--only",
    metavar="END",
    type=click.Choice(["succeeded", "failed", "dead", "skipped"]),
    multiple=True,
    help="Show outcomes that ended so: succeeded, failed (dead, too), dead, skipped. Repeatable.",
)
@click.option(
    "--grep",
    metavar="PATTERN",
    type=Pattern(),
    help="Show events that match, as shown or as --json gives them (their first 64 KiB).",
)
@click.option("--full", is_flag=True, help="Do not cut long lines, nor long job ids.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print the lines as they are (outcomes of other formats as JSON), nothing else; on a "
    "terminal with control characters escaped.",
)
@click.pass_context
def tail(  # noqa: PLR0917 - click passes them by name
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    data: Path,
    format_: str | None,
    mapping: Path | None,
    wrapped: str | None,
    follow: bool,
    lines: int,
    only: tuple[str, ...],
    grep: str | None,
    full: bool,
    as_json: bool,
) -> None:
    """Show the newest events of a log, and with --follow those that come.

    PATH is a file (.gz, .zst, .bz2 and .xz too), a folder (of an event log, all its streams), a
    glob in quotes, or - for standard input; without one, the data folder. With --follow, files are
    followed through their rotations, and what is not there yet is waited for. Of another program's
    log, the outcomes are shown. With --format auto, logs whose first 200 lines show no format are
    told and passed over: status 1, or 2 if there is no other.

    On a terminal, --follow shows a line of totals below, which adds up what came since, also what
    --only and --grep hide, and tells how many outcomes come a second (of the last ten). Times are
    UTC. PATTERN is a regular expression; (?i) before it ignores case.
    """
    from events.clock import SystemClock
    from events.filesystem import RealFileSystem
    from projections.cli.event_filter import event_filter
    from projections.cli.failures import FOUND, USAGE
    from projections.cli.formats import LogNotes, choice_of
    from projections.cli.live_screen import Screen, kept_fresh
    from projections.cli.no_outcome import why_none
    from projections.cli.output import note, stdout
    from projections.cli.told_lines import ToldLines
    from projections.following import Follower
    from projections.logs import refuse_streams

    if grep is not None:
        _check(grep)
    wanted = event_filter(only, grep)
    passes = None if wanted is None else wanted.passes
    choice = choice_of(format_, mapping, wrapped)
    named = paths or (str(existing(data)),)
    stdin = standard_input() if "-" in named else BytesIO()
    fs, clock, notices, unknown = RealFileSystem(), SystemClock(), LogNotes(), LogNotes()
    with ExitStack() as stack:
        screen = stack.enter_context(
            Screen(stdout(), live=follow, full=full, raw=as_json, passes=passes, clock=clock)
        )
        follower = Follower(
            named,
            fs=fs,
            stdin=stdin,
            follow=follow,
            clock=clock,
            notice=lambda text: screen.aside(lambda: note(f"syncstats: {text}")),
        )
        stack.callback(follower.close)
        refuse_streams(follower.sources, choice)
        # a pipe's newest lines are known at its end only, so a followed one is shown as it comes
        reader = ToldLines(
            choice,
            kind=follower.kind,
            invalid=not as_json,
            told=lambda text: screen.aside(lambda: notices(text)),
            unknown=lambda name: screen.aside(lambda: unknown(_nothing_of(name))),
        )
        newest = reader.newest(follower, lines, passes, pipes=not follow)
        screen.show(newest)
        if lines and passes is None and not any(told.names_event for told in newest):
            # an empty pipe says nothing about its lines
            read = [each for each in follower.sources if newest or each.kind == "file"]
            if (why := why_none(read, choice, fs)) is not None:
                screen.aside(lambda: note(f"syncstats: {why}"))
        screen.aside(notices.finish)
        screen.aside(unknown.finish)
        if follow:
            if follower.waits:  # else each look refreshes it
                stack.enter_context(kept_fresh(screen))
            for look in follower.follow(_until()):
                screen.show(reader.look(look), add_up=True, waits=follower.waits)
                screen.check_reader()
            screen.show(reader.rest(), add_up=True)
    if reader.unknown:
        ctx.exit(FOUND if reader.knows_any else USAGE)


_until: Callable[[], threading.Event] = threading.Event  # never set: an interrupt ends it


def _nothing_of(name: str) -> str:
    from projections.choosing import unrecognised

    return f"{unrecognised(name)}; nothing of it is shown"


def _check(pattern: str) -> None:
    from projections.cli.errors import CommandError
    from projections.cli.patterns import ADVICE, takes_for_ever

    if takes_for_ever(pattern):
        raise CommandError(f"--grep {ADVICE}")
