"""`syncstats mapping check`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from events.formats.names import NONE, PRESETS, WRAPPINGS
from projections.cli.command import Command
from projections.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from events.formats.lines.explaining import Verdict
    from events.formats.mapping import Mapping
    from events.formats.outcome import Foreign
    from projections.cli.unfound import Unfound

_WIDTH = 80
_NUMBER = 6  # columns for a line's number
_CUT = 60
COUNTED = ("outcome", "completes", "settled")
"""What is told of outcomes that count; each outcome is told of so exactly once."""


@click.command(
    cls=Command,
    example="""
    syncstats mapping show ecs > my.toml
    echo '{"event":{"outcome":"success","duration":1500000}}' > app.log
    syncstats mapping check my.toml --sample app.log
    syncstats mapping check ecs --sample app.log
    """,
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    metavar="LOG",
    type=click.Path(path_type=Path),
    required=True,
    help="A log to try it on, also compressed; `-` for standard input.",
)
@click.option(
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Tell of so many lines; all are counted.",
)
@click.option(
    "--wrapped",
    metavar="W",
    type=click.Choice((NONE, *WRAPPINGS)),
    default=NONE,
    show_default=True,
    help="What has wrapped each line: docker (json-file), cri (Kubernetes), journald (-o json), "
    "syslog, or none.",
)
@json_option()
def check(file: Path, sample: Path, lines: int, wrapped: str, as_json: bool) -> None:
    """Try the mapping in FILE on a log, and say what becomes of each line.

    FILE may also be the name of one that comes with syncstats: ecs, oban, sidekiq, structlog.
    Nothing is counted or changed. The status is 1 if no line of the log is an outcome, 2 if the
    mapping is wrong; then file, line and key are told.
    """
    from events.formats.lines.explaining import explain
    from projections.cli.output import print_json
    from projections.cli.unfound import Unfound
    from projections.cli.unwrapped import read_lines, unwrapped

    mapping = _mapping(file)
    unfound = Unfound(mapping)
    with _open(sample) as log:
        placed = unwrapped(read_lines(log), wrapped)
        told, totals = _totalled(explain(mapping, placed), lines, unfound, show=not as_json)
    if as_json:
        print_json(
            {
                "mapping": mapping.name,
                "lines": told,
                "totals": totals,
                "unfound": unfound.names(),
            }
        )
    else:
        _say_totals(totals)
        _say_unfound(unfound.names())
    if not sum(totals[name] for name in ("succeeded", "failed", "skipped")):
        raise click.exceptions.Exit(1)


def _mapping(file: Path) -> Mapping:
    """The mapping in a file; a preset where there is no such file, but a preset of that name."""
    from events.formats.presets import load_preset
    from projections.cli.checked_mapping import read_checked

    if str(file) in PRESETS and not file.exists():
        return load_preset(str(file))
    return read_checked(file)


def _open(sample: Path) -> BinaryIO:
    from events.filesystem import REAL
    from events.log.segment import open_source
    from projections.cli.options import standard_input

    return standard_input() if str(sample) == "-" else open_source(sample, REAL)


def _totalled(
    told: Iterable[Verdict], limit: int, unfound: Unfound, *, show: bool
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Count what is told, and show or keep what is told of the first lines."""
    kept = []
    counts: Counter[str] = Counter()
    dead = 0
    for each in told:
        counts[each.what] += 1
        if each.outcome is not None and each.what in COUNTED:
            counts[each.outcome.event.removeprefix("job.")] += 1
            dead += each.outcome.to_dlq
            unfound.take(each.outcome)
        if each.place.line > limit:
            continue
        if show:
            _say(each)
        else:
            kept.append(_plain(each))
    # Each line is told of once; what is settled late was told of before, as waiting.
    totals = {"lines": sum(counts[what] for what in _OF_LINES)}
    totals |= {name: counts[name] for name in ("succeeded", "failed", "skipped")}
    totals |= {"dead": dead}
    totals |= {name: counts[name] for name in ("ignored", "invalid")}
    totals |= {"companions": counts["completes"] + counts["companion"], "late": counts["settled"]}
    return kept, totals


_OF_LINES = ("outcome", "waits", "completes", "companion", "ignored", "invalid")


def _plain(told: Verdict) -> dict[str, Any]:
    from events.formats.companions.saving import plain_outcome

    plain: dict[str, Any] = {"line": told.place.line, "told": told.what}
    if told.place.inner is not None:
        plain["inner"] = told.place.inner
    if told.reason:
        plain["reason"] = told.reason
    if told.of is not None:
        plain["of"] = told.of.line
        if told.of.inner is not None:
            plain["of_inner"] = told.of.inner
    if told.outcome is not None:
        plain["outcome"] = plain_outcome(told.outcome)
    return plain


def _say(told: Verdict) -> None:
    from textwrap import wrap

    from events.terminal import safe
    from projections.cli.output import say

    indent = " " * (_NUMBER + 2)
    for number, line in enumerate(
        wrap(safe(_sentence(told)), _WIDTH - len(indent), break_on_hyphens=False)
    ):
        start = indent if number else f"{told.place!s:>{_NUMBER}}  "
        say(start + line, escaped=True)


def _sentence(told: Verdict) -> str:
    outcome = "" if told.outcome is None else _described(told.outcome)
    match told.what:
        case "outcome":
            return outcome
        case "waits":
            return f"waits for the line that completes it: {outcome}"
        case "completes":
            return f"completes line {told.of}: {outcome}"
        case "settled":
            return f"{told.reason}: {outcome}"
    return f"{told.what}: {told.reason}"


def _described(outcome: Foreign) -> str:
    from msgspec import UNSET

    from events.clock import to_us
    from projections.cli.output import duration, moment

    words = ["dead" if outcome.to_dlq else outcome.event.removeprefix("job.")]
    if outcome.event == "job.failed":
        words.append(f"error={_cut(outcome.error_type)}")
    if outcome.job:
        words.append(f"job={_cut(outcome.job)}")
    if outcome.kind:
        words.append(f"kind={_cut(outcome.kind)}")
    if outcome.duration_ns is not UNSET:
        words.append(f"took={duration(outcome.duration_ns / 1e9)}")
    if outcome.wait_ns is not UNSET:
        words.append(f"waited={duration(outcome.wait_ns / 1e9)}")
    if outcome.attempt:
        words.append(f"attempt={outcome.attempt}")
    at = "unknown" if outcome.timestamp is UNSET else moment(to_us(outcome.timestamp))
    return " ".join([*words, f"at={at.replace(' ', 'T')}"])


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"


def _say_totals(totals: dict[str, int]) -> None:
    from projections.cli.output import count, plural, say

    say(
        f"{plural(totals['lines'], 'line')}: {count(totals['succeeded'])} succeeded, "
        f"{count(totals['failed'])} failed ({count(totals['dead'])} dead), "
        f"{count(totals['skipped'])} skipped,"
    )
    say(
        f"  {count(totals['companions'])} completing others, {count(totals['ignored'])} ignored, "
        f"{count(totals['invalid'])} invalid; {plural(totals['late'], 'outcome')} not completed"
    )


def _say_unfound(names: list[str]) -> None:
    from projections.cli.output import say

    if names:
        say(f"  found in no outcome: {', '.join(names)}")
