"""How time and memory grow with the log."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part, kept
from benchmarks.logs import make_log
from benchmarks.ours import replay
from benchmarks.runs import take_turns

if TYPE_CHECKING:
    from benchmarks.asked import Asked

MOST = 1.25
MOST_MB = 150.0
_FEW = 1000


def measure(asked: Asked) -> Part:
    """Replay larger and larger logs; what a start takes is taken off by a very small one."""
    sizes = sorted({_FEW, *asked.growth})
    logs = {lines: make_log(asked.logs, lines, asked.seed) for lines in sizes}
    ways = [replay(log, totals, str(lines)) for lines, (log, totals) in logs.items()]
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as folder:
        timed = take_turns(ways, asked.rounds, Path(folder))
    start_s = timed[str(_FEW)].wall_s
    part = Part(
        "growth",
        "Growth",
        ["lines", "MB", "seconds", "beyond start, us a line", "peak MB"],
        figures={"runs": kept(timed.values())},
    )
    a_line: dict[int, float] = {}
    for lines, (log, _) in logs.items():
        each = timed[str(lines)]
        shown = "-"
        if lines != _FEW:
            a_line[lines] = max(each.wall_s - start_s, 0.0) / lines * 1e6
            shown = f"{a_line[lines]:.3f}"
        megabytes = (log.stat().st_size / 1e6, each.peak_bytes / 1e6)
        cells = [f"{megabytes[0]:,.1f}", f"{each.wall_s:.3f}", shown, f"{megabytes[1]:,.0f}"]
        part.rows.append([f"{lines:,}", *cells])
    least, most = min(a_line), max(a_line)
    peaks = [timed[str(lines)].peak_bytes for lines in (least, most)]
    part.figures["us_a_line"] = a_line
    part.notes.append(
        "What the start takes is the time of the smallest log. Growth is what a line takes in the "
        "largest log, of what it takes in the smallest but that one."
    )
    time = a_line[most] / a_line[least] if a_line[least] else None
    part.goals = [
        Goal("growth, time a line", MOST, time, "x", at_least=False),
        Goal("growth, peak memory", MOST, peaks[1] / peaks[0], "x", at_least=False),
        Goal(
            f"peak memory of {most / 1e6:g} M lines",
            MOST_MB,
            peaks[1] / 1e6,
            "MB",
            at_least=False,
        ),
    ]
    return part
