"""Replay without the compiled part, beside a loop with msgspec that makes the same stats."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Goal, Part, kept, ratio
from benchmarks.logs import make_log
from benchmarks.ours import replay
from benchmarks.runs import SYNCSTATS, Way, run, take_turns
from benchmarks.totals import TotalsError

if TYPE_CHECKING:
    from benchmarks.asked import Asked

PURE = "syncstats, SYNCSTATS_PURE=1"
LEAST = 0.9
_ENV = {"SYNCSTATS_PURE": "1"}
_LOOP = "the same fold with msgspec"


def measure(asked: Asked) -> Part:
    """Compare time of the processor, for a core, and whole time, for both."""
    log, totals = make_log(asked.logs, asked.pure_lines, asked.seed)
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as name:
        folder = Path(name)
        ours = _stats(Way(PURE, (*SYNCSTATS, "replay", str(log), "--json"), env=_ENV), folder)

        def look(out: bytes) -> None:
            found = json.loads(out)
            differ = [key for key in found if key != "streams" and found[key] != ours.get(key)]
            if differ:
                raise TotalsError(f"the loop with msgspec makes other stats: {', '.join(differ)}")

        argv = (sys.executable, "-m", "benchmarks.peers.msgspec_fold", str(log))
        loops = {f"{_LOOP}, {n} process{'es' * (n > 1)}": (*argv, str(n)) for n in (1, 2)}
        ways = [replay(log, totals, PURE, _ENV)]
        ways += [Way(name, command, look) for name, command in loops.items()]
        timed = take_turns(ways, asked.rounds, folder)
    one, two = (timed[name] for name in loops)
    pure = timed[PURE]
    part = Part(
        "pure",
        f"Replay of {totals.lines:,} lines without the compiled part",
        ["", "lines/s", "lines/s of CPU", "peak MB"],
        figures={"runs": kept(timed.values())},
    )
    for name, each in timed.items():
        speeds = [f"{totals.lines / seconds:,.0f}" for seconds in (each.wall_s, each.cpu_s)]
        part.rows.append([name, *speeds, f"{each.peak_bytes / 1e6:,.0f}"])
    part.notes.append(
        "The loop is written for this one format, and makes all stats that ours makes, histograms "
        "included. The peak is that of the largest process."
    )
    part.goals = [
        Goal("pure, speed of msgspec, one core", LEAST, ratio(one.cpu_s, pure.cpu_s), "x"),
        Goal("pure, speed of msgspec, two cores", LEAST, ratio(two.wall_s, pure.wall_s), "x"),
    ]
    return part


def _stats(way: Way, folder: Path) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    looking = Way(way.name, way.argv, lambda out: found.append(json.loads(out)), way.env)
    run(looking, folder, look=True)
    return found[0]
