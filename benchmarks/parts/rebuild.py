"""Rebuilding a log of many sealed segments by their summaries, of which it need read none."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part, kept
from benchmarks.runs import SYNCSTATS, Way, take_turns
from benchmarks.summaries import make_holes
from benchmarks.totals import TotalsError

if TYPE_CHECKING:
    from benchmarks.asked import Asked

MOST_S = 1.0
_STREAMS = 4
_NAME = "syncstats rebuild"


def measure(asked: Asked) -> Part:
    """Rebuild again and again; nothing is taken from the stats.json of before."""
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as name:
        data = Path(name)
        for number in range(_STREAMS):
            make_holes(data, f"nas-{number}", asked.sealed // _STREAMS, asked.sealed_lines)
        events = (asked.sealed // _STREAMS + 1) * _STREAMS * asked.sealed_lines
        command = (*SYNCSTATS, "rebuild", "--json", "--data", str(data))
        timed = take_turns([Way(_NAME, command, partial(_check, events))], asked.rounds, data)
        size = sum(each.stat().st_size for each in data.glob("events/*/*"))
        summed = sum(each.stat().st_size for each in data.glob("summaries/*/*"))
    found = timed[_NAME]
    row = [_NAME, f"{asked.sealed:,}", f"{events:,}", f"{size / 1e9:,.1f}", f"{summed / 1e6:,.0f}"]
    return Part(
        "rebuild",
        "Rebuild by summaries",
        ["", "segments", "events", "log GB", "summaries MB", "seconds"],
        rows=[[*row, f"{found.wall_s:.2f}"]],
        notes=[
            (
                "The sealed segments are holes of the size of such lines, with true summaries of "
                "16 that were written and folded; the last segment of each stream is read."
            )
        ],
        goals=[
            Goal(f"{asked.sealed:,} segments rebuilt", MOST_S, found.wall_s, "s", at_least=False)
        ],
        figures={"runs": kept(timed.values())},
    )


def _check(events: int, printed: bytes) -> None:
    attempts = json.loads(printed)["jobs_processed"]
    if attempts != events:
        raise TotalsError(f"the rebuild counted {attempts:,} attempts of {events:,}")
