"""`syncstats run`: the options of a worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from projections.cli.command import Command
from projections.cli.options import Pattern, Seconds, Size, data_option
from worker.options import WorkerOptions

if TYPE_CHECKING:
    from pathlib import Path

_USUAL = WorkerOptions()
_TRANSIENT = _USUAL.policies.transient
_NOT_FOUND = _USUAL.policies.not_found


def _seconds(number: float) -> str:
    """A default as one writes it: 8, not 8.0."""
    return f"{number:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What `syncstats run` was asked for; the names are those of the options.

    Attributes:
        data: The data folder.
        handler: The handler's SPEC.
        drain: End when no job is due and none is leased.
        wait: With `drain`: wait for the scheduled ones too.
        concurrency: How many jobs run at once.
        batch: How many jobs are leased at most.
        timeout: Seconds that an attempt may take; None: any time.
        grace: Seconds that running jobs get at a stop.
        segment_bytes: Size at which a segment of the log is sealed.
        segment_age: Age in seconds at which one is; None: whatever its age.
        compress: Compress segments of the log that are sealed.
        fail_on_dead: End with status 1 if a job died.
        overwrite: Let `nfo:` replace sidecars that are not its own.
        allow_network_fs: Work on a network file system all the same.
        summary_every: Outcomes between two summaries.
        retry_base: Seconds of the first retry's window.
        retry_cap: Seconds that a retry's window grows to.
        retry_tries: Recorded failures after which a job is dead.
        not_found_base: As `retry_base`, for a PlexNotFound.
        not_found_cap: As `retry_cap`, for a PlexNotFound.
        not_found_tries: As `retry_tries`, for a PlexNotFound.
        breaker_failures: Transient failures in a row that stop the taking of jobs; 0: none do.
        breaker_cooldown: Seconds until one job is tried again.
        redact: Regular expressions of what is masked in events and dead letters.
        stream_name: Readable beginning of a new stream's name; None: the host's.
    """

    data: Path
    handler: str
    drain: bool
    wait: bool
    concurrency: int
    batch: int
    timeout: float | None
    grace: float
    segment_bytes: int
    segment_age: float | None
    compress: bool
    fail_on_dead: bool
    overwrite: bool
    allow_network_fs: bool
    summary_every: int
    retry_base: float
    retry_cap: float
    retry_tries: int
    not_found_base: float
    not_found_cap: float
    not_found_tries: int
    breaker_failures: int
    breaker_cooldown: float
    redact: tuple[str, ...]
    stream_name: str | None


@click.command(
    cls=Command,
    example="""
    echo '{"scene_id": 7}' | syncstats enqueue -
    syncstats run --handler 'exec:cat' --drain
    """,
)
@click.option(
    "--handler", metavar="SPEC", required=True, help="module:callable, exec:COMMAND or nfo:LIBRARY."
)
@data_option()
@click.option("--drain", is_flag=True, help="End when no job is due and none runs.")
@click.option("--wait", is_flag=True, help="With --drain: wait for scheduled retries too.")
@click.option(
    "--concurrency",
    metavar="N",
    type=click.IntRange(1, 256),
    default=_USUAL.concurrency,
    show_default=True,
    help="How many jobs run at once.",
)
@click.option(
    "--batch",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=_USUAL.batch,
    show_default=True,
    help="How many jobs are taken at once.",
)
@click.option("--timeout", type=Seconds(), help="End an attempt after this time.  [default: none]")
@click.option(
    "--grace",
    type=Seconds(zero=True),
    default=_seconds(_USUAL.grace_s),
    show_default=True,
    help="What running jobs get at a stop.",
)
@click.option(
    "--segment-bytes",
    type=Size(),
    default="64MiB",
    show_default=True,
    help="Begin a new log file at this size.",
)
@click.option(
    "--segment-age", type=Seconds(), help="Begin one at this age too, as 7d.  [default: any age]"
)
@click.option("--compress", is_flag=True, help="Compress log files that are full, as .zst.")
@click.option("--fail-on-dead", is_flag=True, help="End with status 1 if a job died.")
@click.option("--overwrite", is_flag=True, help="nfo: replace sidecars that it did not write.")
@click.option(
    "--allow-network-fs", is_flag=True, help="Work on a network file system (locks may fail)."
)
@click.option(
    "--summary-every",
    metavar="N",
    type=click.IntRange(min=0),
    default=_USUAL.summary_every,
    show_default=True,
    help="A summary line every N outcomes; 0: only at the end.",
)
@click.option(
    "--retry-base",
    type=Seconds(),
    default=_seconds(_TRANSIENT.base_s),
    show_default=True,
    help="Window of the first retry; it doubles.",
)
@click.option(
    "--retry-cap",
    type=Seconds(),
    default=_seconds(_TRANSIENT.cap_s),
    show_default=True,
    help="The window grows no further.",
)
@click.option(
    "--retry-tries",
    metavar="N",
    type=click.IntRange(min=1),
    default=_TRANSIENT.tries,
    show_default=True,
    help="Failures until a job is dead.",
)
@click.option(
    "--not-found-base",
    type=Seconds(),
    default=_seconds(_NOT_FOUND.base_s),
    show_default=True,
    help="The same for PlexNotFound.",
)
@click.option(
    "--not-found-cap",
    type=Seconds(),
    default=_seconds(_NOT_FOUND.cap_s),
    show_default=True,
    help="The same for PlexNotFound.",
)
@click.option(
    "--not-found-tries",
    metavar="N",
    type=click.IntRange(min=1),
    default=_NOT_FOUND.tries,
    show_default=True,
    help="The same for PlexNotFound.",
)
@click.option(
    "--breaker-failures",
    metavar="N",
    type=click.IntRange(min=0),
    default=_USUAL.breaker_failures,
    show_default=True,
    help="Transient failures in a row that make the worker pause; 0: none.",
)
@click.option(
    "--breaker-cooldown",
    type=Seconds(),
    default=_seconds(_USUAL.breaker_cooldown_s),
    show_default=True,
    help="How long it pauses before one trial.",
)
@click.option(
    "--redact",
    metavar="PATTERN",
    type=Pattern(),
    multiple=True,
    help="Mask what matches, beside known secrets. Repeatable.",
)
@click.option(
    "--stream-name", metavar="NAME", help="Begin of a new stream's name.  [default: the host's]"
)
@click.pass_context
def run(ctx: click.Context, /, **values: Any) -> None:
    """Work the queue: run the handler for each job, log each outcome, keep stats.json current.

    The handler is called again for a job whose worker died before its outcome was logged, so make
    it idempotent. SIGTERM and SIGINT stop it cleanly: what runs within --grace is recorded, the
    rest waits in the queue. Several workers may share a data folder.

    A retry comes at random within a window of --retry-base seconds that doubles up to --retry-cap;
    a PlexNotFound has a longer one. A PermanentError makes a dead letter at once (`syncstats dlq`).
    """
    options = RunOptions(**values)
    _check(ctx, options)
    from projections.cli.working import work  # the composition root of a worker

    ctx.exit(work(options))


def _check(ctx: click.Context, options: RunOptions) -> None:
    if options.wait and not options.drain:
        raise click.UsageError("--wait goes with --drain: without it, run waits anyway", ctx)
    for name, base, cap in (
        ("retry", options.retry_base, options.retry_cap),
        ("not-found", options.not_found_base, options.not_found_cap),
    ):
        if cap < base:
            raise click.UsageError(f"--{name}-cap is below --{name}-base", ctx)
