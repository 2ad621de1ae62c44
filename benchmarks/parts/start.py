"""What it takes to start: the command, its shortest answers, and the import of stats alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part, kept
from benchmarks.runs import SYNCSTATS, Way, environment, take_turns

if TYPE_CHECKING:
    from benchmarks.asked import Asked

MOST_S = 0.12
MOST_BEYOND_S = 0.04
_TIMES = 4  # as many rounds as elsewhere, since a run is short
_JOBS = 200
_BARE = "bare Python"


def measure(asked: Asked) -> Part:
    """Start everything in turn."""
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as name:
        folder = Path(name)
        data = _worked(folder)
        ways = [
            Way(_BARE, (sys.executable, "-c", "pass")),
            Way("import worker.stats", (sys.executable, "-c", "import worker.stats")),
            Way("syncstats --help", (*SYNCSTATS, "--help")),
            Way("syncstats --version", (*SYNCSTATS, "--version")),
            Way("syncstats show --json", (*SYNCSTATS, "show", "--json", "--data", str(data))),
        ]
        timed = take_turns(ways, asked.rounds * _TIMES, folder)
    bare_s = timed[_BARE].wall_s
    part = Part(
        "start",
        "Start",
        ["", "seconds", "beyond bare Python", "peak MB"],
        figures={"runs": kept(timed.values())},
    )
    for name, each in timed.items():
        seconds = (each.wall_s, each.wall_s - bare_s)
        peak = f"{each.peak_bytes / 1e6:,.0f}"
        part.rows.append([name, f"{seconds[0]:.3f}", f"{seconds[1]:.3f}", peak])
    beyond = timed["import worker.stats"].wall_s - bare_s
    part.goals = [
        Goal(each, MOST_S, timed[each].wall_s, "s", at_least=False)
        for each in ("syncstats --help", "syncstats show --json")
    ]
    goal = "import worker.stats, beyond bare Python"
    part.goals.append(Goal(goal, MOST_BEYOND_S, beyond, "s", at_least=False))
    return part


def _worked(folder: Path) -> Path:
    """A data folder with some outcomes in it."""
    data = folder / "data"
    jobs = "".join(f'{{"scene_id":{n}}}\n' for n in range(_JOBS))
    (folder / "nothing.py").write_text("def handle(job):\n    return None\n")
    for args in (["enqueue", "-"], ["run", "--handler", "nothing:handle", "--drain"]):
        subprocess.run(
            (*SYNCSTATS, *args, "--data", str(data)),
            check=True,
            cwd=folder,
            env=environment(),
            input=jobs.encode(),
            capture_output=True,
        )
    return data
