"""An outcome's way to its line, beside bare structlog with orjson."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part

if TYPE_CHECKING:
    from benchmarks.asked import Asked

MOST = 1.2


def measure(asked: Asked) -> Part:
    """Say the same events in turn, in this process."""
    from benchmarks.emitting import OURS, all_ways
    from benchmarks.emitting import measure as take_turns

    with tempfile.TemporaryDirectory(dir=asked.scratch()) as name:
        took = take_turns(all_ways(Path(name)), asked.events, asked.rounds)
    best = min(us for name, us in took.items() if not name.startswith(OURS))
    part = Part(
        "emitting",
        f"An outcome on its way to its line, {asked.events:,} of them",
        ["", "us an event", "of the best bare"],
        [[name, f"{us:.2f}", f"{us / best:.2f}x"] for name, us in took.items()],
        figures={"us_an_event": took},
    )
    part.notes.append(
        "Ours also masks secrets, numbers the line, and encodes what JSON cannot hold. Nobody "
        "syncs. Time of the processor."
    )
    goal = "an event, time of the best bare structlog"
    part.goals = [Goal(goal, MOST, took[OURS] / best, "x", at_least=False)]
    return part
