"""`syncstats prune`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from projections.cli.command import Command
from projections.cli.options import Size, data_option, json_option, span_s
from projections.pruned import Keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projections.pruned import Pruned, StreamReport
    from sync_queue.queue import JobQueue

    KeepType = click.ParamType[Keep]
else:  # click's older versions know no type arguments
    KeepType = click.ParamType

_UNITS = ("KiB", "MiB", "GiB", "TiB")


class KeepOption(KeepType):
    """How much of the log stays: an age, `90d` (s, m, h, d, w), or a size, `10GB` (see `Size`).

    A bare number is refused: taken for days by who wrote it, for bytes by us, it would cost a log.
    """

    name = "age|size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Keep:
        """Turn text into what is to stay; anything else is a usage error."""
        if isinstance(value, Keep):
            return value
        text = str(value).strip()
        age_s = span_s(text)
        if age_s:
            return Keep(age_s=age_s)
        size = None
        if not text.isdecimal():
            with suppress(click.BadParameter):  # it advises a bare number, which is refused here
                size = Size().convert(text, param, ctx)
        if size is None:
            self.fail(f"'{value}' is no age and no size: give 90d or 12h, or 500MiB", param, ctx)
        return Keep(size=size)


@click.command(cls=Command, example="syncstats prune --keep 90d --compress --dry-run")
@click.option(
    "--keep",
    metavar="AGE|SIZE",
    type=KeepOption(),
    help="What stays: events of the last 90d, or the newest 10GB.",
)
@click.option("--compress", is_flag=True, help="Compress all segments but each stream's last.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done.")
@data_option()
@json_option()
@click.pass_context
def prune(
    ctx: click.Context,
    /,
    *,
    keep: Keep | None,
    compress: bool,
    dry_run: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Remove the oldest segments of the event log, and compress others; no number changes.

    What removed segments add up to is kept in a summary.json beside them, which every command
    begins to count from. Removed is a segment whose newest event is older than AGE, or the oldest
    ones until the whole log takes no more than SIZE on the disk; always from a stream's start on.

    Never removed are a stream's last segment, what stats.json does not cover, and what a job that
    is leased may still need; it is said where that keeps something back. Workers may run meanwhile.
    Status 1 if a stream cannot be put in order.
    """
    if keep is None and not compress:
        raise click.UsageError("nothing to do: give --keep AGE|SIZE, --compress, or both", ctx)
    from contextlib import nullcontext

    from projections.cli.options import existing
    from projections.cli.output import note, print_json
    from projections.cli.stores import queue_of
    from projections.prune import prune as carry_out

    queue = queue_of(existing(data))
    with queue or nullcontext():
        done = carry_out(
            data,
            keep,
            compress=compress,
            dry_run=dry_run,
            lease_seq=_lease_seq(queue),
            notice=lambda text: note(f"syncstats: {text}"),
        )
    if as_json:
        print_json({"ok": done.ok, "dry_run": dry_run, **asdict(done)})
    else:
        _print(done, dry_run=dry_run)
    for name, report in done.streams.items():
        if report.error is not None:
            note(f"syncstats: stream {name!r} cannot be put in order: {report.error}")
    ctx.exit(0 if done.ok else 1)


def _lease_seq(queue: JobQueue | None) -> Callable[[str], int | None]:
    def lowest(stream: str) -> int | None:
        leases = [] if queue is None else queue.leases(stream)
        return min((job.lease_seq for job in leases), default=None)

    return lowest


def _print(done: Pruned, *, dry_run: bool) -> None:
    from projections.cli.output import say

    for name, report in done.streams.items():
        for line in _lines(report, dry_run=dry_run):
            say(f"stream {name!r}: {line}")
    before, after = _size(done.bytes_before), _size(done.bytes_after)
    if dry_run:
        say(f"The log takes {before}; without what would be removed, {after}.")
    else:
        say(f"The log takes {after} now; before, {before}.")


def _lines(report: StreamReport, *, dry_run: bool) -> list[str]:
    from projections.cli.output import count, plural

    would = "would be " if dry_run else ""
    lines = []
    if report.removed_segments:
        lines.append(
            f"{plural(report.removed_segments, 'segment')} {would}removed, with "
            f"{plural(report.removed_lines, 'line')} ({_size(report.removed_bytes)}); it begins at "
            f"seq {count(report.first_seq or 0)} then"
        )
    if report.compressed_segments:
        saved = "" if dry_run else f", {_size(report.saved_bytes)} less"
        lines.append(f"{plural(report.compressed_segments, 'segment')} {would}compressed{saved}")
    if report.kept_from_seq is not None:
        lines.append(f"kept back from seq {count(report.kept_from_seq)} on: {report.why}")
    return lines


def _size(size: int) -> str:
    """Write a number of bytes for people.

    >>> [_size(size) for size in (0, 1023, 1024, 1_500_000, 64 << 20)]
    ['0 bytes', '1,023 bytes', '1.0 KiB', '1.4 MiB', '64.0 MiB']
    """
    from projections.cli.output import plural

    if abs(size) < 1024:
        return plural(size, "byte")
    scaled = size / 1024
    for unit in _UNITS[:-1]:
        if abs(scaled) < 1024:
            return f"{scaled:.1f} {unit}"
        scaled /= 1024
    return f"{scaled:.1f} {_UNITS[-1]}"
