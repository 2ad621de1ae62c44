"""`syncstats`: the group of commands; how one is run, and how its errors end the program.

Only click is imported here. Every command lives in a module of its own and imports what it needs
when it runs, so that `syncstats --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from projections.cli.command import config_option
from projections.cli.lazy import Lazy, LazyGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projections.parallel.head_start import HeadStart

PROGRAM = "syncstats"

COMMANDS = {
    "demo": Lazy("projections.cli.demo:demo", "Watch a small real run, start to end."),
    "enqueue": Lazy("projections.cli.enqueue:enqueue", "Add jobs from JSON Lines."),
    "run": Lazy("projections.cli.run:run", "Work the queue and log every outcome."),
    "pause": Lazy("projections.cli.pause:pause", "Stop taking jobs, in all workers."),
    "resume": Lazy("projections.cli.pause:resume", "Take jobs again."),
    "show": Lazy("projections.cli.show:show", "Show the stats, and the queue now."),
    "tail": Lazy("projections.cli.tail:tail", "Read the events, or watch them live."),
    "dlq": Lazy("projections.cli.dlq:dlq", "List, retry and purge dead letters."),
    "replay": Lazy("projections.cli.replay:replay", "Add up a log again, print the stats."),
    "export": Lazy("projections.cli.export:export", "Write the outcomes in another format."),
    "ingest": Lazy("projections.cli.ingest:ingest", "Add what growing logs tell to a file."),
    "mapping": Lazy("projections.cli.mapping:mapping", "Try out how a format is understood."),
    "rebuild": Lazy("projections.cli.rebuild:rebuild", "Make stats.json anew from the log."),
    "verify": Lazy("projections.cli.verify:verify", "Check stats.json against the log."),
    "prune": Lazy("projections.cli.prune:prune", "Remove old segments, keep their numbers."),
    "merge": Lazy("projections.cli.merge:merge", "Join the stats of several machines."),
}


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - click's signature
    if not value or ctx.resilient_parsing:
        return
    from projections.cli.version import build, version

    click.echo(f"{PROGRAM} {version()} ({build()})")
    ctx.exit()


cli = LazyGroup(
    name=PROGRAM,
    lazy=COMMANDS,
    context_settings={
        "auto_envvar_prefix": PROGRAM.upper(),
        "help_option_names": ["-h", "--help"],
    },
    params=[
        config_option(allow_from_autoenv=True),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            allow_from_autoenv=False,  # SYNCSTATS_VERSION is a likely name for something else
            callback=_version,
            help="Show the version and exit.",
        ),
    ],
    help="""A sync worker whose statistics come from its event log.

    Jobs wait in a durable queue; `run` works them with your handler and writes one event a
    finished attempt; every number is a fold of these events, so it survives crashes and can
    be rebuilt and verified. New here? Start with `syncstats demo`.

    Every option can also be set by an environment variable, SYNCSTATS_<COMMAND>_<OPTION>
    (SYNCSTATS_RUN_HANDLER), or in a TOML file of tables, one a command (--config). The command
    line wins over the environment, the environment over the file.
    """,
)


def main(argv: Sequence[str] | None = None, *, begun: HeadStart | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; by default the program's own.
        begun: A file that is being read already: for the command that takes it up.

    Returns:
        The exit status: 0 fine, 1 it found a problem, 2 wrong usage or unusable input, 130
        interrupted, 141 the reader of its output has gone.
    """
    from projections.cli.distribution import foreign_package

    problem = foreign_package()
    if problem is not None:  # our own modules may not load: say it with nothing but Python
        return _end(problem, 2)
    from projections.cli.failures import explain

    _survive_odd_encodings()
    try:
        status = _call(sys.argv[1:] if argv is None else list(argv), begun)
        _flush()
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        if os.environ.get("SYNCSTATS_DEBUG"):
            import traceback

            traceback.print_exc()
        line, status = explain(error)
        return _end(line, status)
    return status


def _call(args: list[str], begun: HeadStart | None) -> int:
    """Parse and run; not click's own `main`, whose handling of errors is not ours."""
    if f"_{PROGRAM.upper()}_COMPLETE" in os.environ:
        cli.main(args, prog_name=PROGRAM)  # a shell asks for completions
    try:
        with cli.make_context(PROGRAM, args, obj=begun) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    return 0


def _flush() -> None:
    try:
        if sys.stdout is not None and not sys.stdout.closed:  # by a handler
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from projections.cli.errors import CommandError

        raise CommandError(f"standard output cannot be written to: {error.strerror}") from error


def _survive_odd_encodings() -> None:
    """Print what the locale's encoding cannot hold as escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _end(line: str | None, status: int) -> int:
    """Say the line on stderr, and leave nothing for the interpreter to flush and fail at."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None or stream.closed:
            continue
        try:
            if stream is sys.stderr and line is not None:
                print(f"{PROGRAM}: {line}", file=stream)
            stream.flush()
        except OSError:  # a closed pipe or a full disk: what is buffered can go nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status


if __name__ == "__main__":
    sys.exit(main())
