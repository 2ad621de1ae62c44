"""How time and memory grow with the log."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
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
    """Replay larger and larger logs: what a further line takes shows from one to the next."""
    sizes = sorted({_FEW, *asked.growth})
    logs = {lines: make_log(asked.logs, lines, asked.seed) for lines in sizes}
    ways = [replay(log, totals, str(lines)) for lines, (log, totals) in logs.items()]
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as folder:
        timed = take_turns(ways, asked.rounds, Path(folder))
    part = Part(
        "growth",
        "Growth",
        ["lines", "MB", "seconds", "a further line, us", "peak MB"],
        figures={"runs": kept(timed.values())},
    )
    further: dict[int, float] = {}
    for before, lines in zip([None, *sizes], sizes, strict=False):
        each = timed[str(lines)]
        shown = "-"
        if before is not None:
            more_s = each.wall_s - timed[str(before)].wall_s
            further[lines] = more_s / (lines - before) * 1e6
            shown = f"{further[lines]:.3f}"
        megabytes = (logs[lines][0].stat().st_size / 1e6, each.peak_bytes / 1e6)
        cells = [f"{megabytes[0]:,.1f}", f"{each.wall_s:.3f}", shown, f"{megabytes[1]:,.0f}"]
        part.rows.append([f"{lines:,}", *cells])
    least, most = sizes[1], sizes[-1]
    peaks = [timed[str(lines)].peak_bytes for lines in (least, most)]
    part.figures["us_a_further_line"] = further
    part.notes.append(
        "A further line is what the log has more than the one above. (Those of the first million "
        "are read while the program is loaded, so they take less.) Growth is what one takes in the "
        "largest log, of the median of all logs but the first."
    )
    usual = median([us for lines, us in further.items() if lines != least] or further.values())
    time = further[most] / usual if usual > 0 else None
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
