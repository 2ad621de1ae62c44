"""`syncstats verify`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from events.calls import call
from projections.cli.command import Command
from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from pathlib import Path

    from projections.verification import Verification

RESTORING = "docs/howto/restore.md"
"""The page that says what to do about each file that is lost or damaged."""


@click.command(cls=Command, example="syncstats verify")
@click.option("--strict", is_flag=True, help="Status 1 for invalid lines and duplicates too.")
@data_option()
@json_option()
@click.pass_context
def verify(ctx: click.Context, /, *, strict: bool, data: Path, as_json: bool) -> None:
    """Check stats.json against the event log, folded again from its start.

    Right beside live workers too: what they wrote since is told as "behind", not as a difference.
    What was pruned is taken from its summary, which is told; all else is read, and the summaries of
    full segments are compared with it. Status 1 if stats.json or one of those differs from the log,
    the log has a gap, or it does not go on where a summary ends.
    """
    from events.filesystem import RealFileSystem
    from projections.cli.options import existing
    from projections.cli.output import print_json
    from projections.cli.problems import Problems, tell_misnamed
    from projections.cli.progress import reading
    from projections.sources import find_sources, total_bytes
    from projections.verify import verify as check

    fs = RealFileSystem()
    tell_misnamed(existing(data), fs)
    problems = Problems()
    sources = find_sources([str(data)], fs, any_file=False)
    with reading(lambda: total_bytes(sources, fs)) as progress:
        found = check(data, fs=fs, problem=problems, progress=progress)
    problems.finish()
    ok = found.ok and not (strict and (found.invalid_lines or found.duplicates))
    if as_json:
        print_json({"ok": ok, **asdict(found)})
    else:
        _print(found, data)
    ctx.exit(0 if ok else 1)


def _print_each(found: Verification) -> None:
    """Say what was found that must not be."""
    from projections.cli.output import say

    for difference in found.differences:
        say(f"Differs: {difference}")
    for gap in found.gaps:
        say(f"Gap: {gap}; bring the segment back from a backup: {RESTORING}")
    for broken in found.breaks:
        say(f"Broken: {broken}; bring them back from a backup: {RESTORING}")
    for wrong in found.wrong_summaries:
        say(f"Wrong: {wrong}.")


def _print(found: Verification, data: Path) -> None:
    from projections.cli.output import plural, say

    _print_each(found)
    wrong = [
        plural(number, what)
        for number, what in (
            (found.invalid_lines, "invalid line"),
            (found.duplicates, "duplicate"),
            (found.incomplete_lines, "unfinished last line"),
        )
        if number
    ]
    if wrong:
        say(f"The log has {', '.join(wrong)}.")
    if found.pruned_lines:
        are = "is" if found.pruned_attempts == 1 else "are"
        say(
            f"{plural(found.pruned_attempts, 'attempt')} of pruned segments {are} taken from "
            "summary.json, not re-checked."
        )
    log = f"{plural(found.streams, 'stream')}, {plural(found.attempts, 'attempt')}"
    lost = bool(found.gaps or found.breaks)
    if not found.has_snapshot:
        say(f"There is no stats.json in {data} to check ({log}).")
    elif found.differences and lost:
        say(f"stats.json differs from the log ({log}), which lacks lines that it may have counted.")
    elif found.differences:
        say(f"stats.json differs from the log ({log}).")
    else:
        behind = "up to date"
        if found.behind:
            behind = f"{plural(found.behind, 'attempt')} behind, for the next run to add"
        say(f"stats.json is what the log says ({log}), and {behind}.")
    for line in _advice(found, data, lost=lost):
        say(line)


def _advice(found: Verification, data: Path, *, lost: bool) -> list[str]:
    """What to do now, one thing: what a rebuild would lose is brought back before there is one."""
    rebuild, whole = call("rebuild", data), call("rebuild --no-summaries", data)
    changed = len(found.changed_segments)
    if changed:
        them = "that segment" if changed == 1 else "those segments"
        take = "takes it as it is" if changed == 1 else "takes them as they are"
        return [
            f"Bring {them} back from a backup first, then {call('verify', data)} again:",
            f"{RESTORING}. Only without a backup, {whole}",
            f"{take}.",
        ]
    if lost and (found.differences or not found.has_snapshot):
        return [
            f"Bring the segment or summary.json back from a backup, before {rebuild}",
            "takes the log for all there was.",
        ]
    if found.wrong_summaries:
        return [f"{whole} makes the summaries and stats.json anew."]
    if found.differences or not found.has_snapshot:
        return [f"{rebuild} makes {'it anew' if found.has_snapshot else 'it'}."]
    return []
