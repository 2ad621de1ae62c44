"""How soon an outcome is seen by those who follow the log, and what they take while it rests."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.feeding import EVENTS_PER_S
from benchmarks.figures import Goal, Part
from benchmarks.followers import POLL_S, ingest, tail, worker

if TYPE_CHECKING:
    from benchmarks.asked import Asked

MOST_TAIL_MS = 100.0
MOST_STATS_S = 1.2
MOST_IDLE_PERCENT = 1.0
_TAIL = "tail --follow"
_INGEST = "ingest --follow, its file"
_RUN = "run, its stats.json"


def measure(asked: Asked) -> Part:
    """Let a log rest, then feed it, and look at what followers tell of it; then work jobs."""
    part = Part(
        "follower",
        f"Followers of {EVENTS_PER_S:,} events/s, for {asked.follow_s:g} s",
        ["", "p50 ms", "p99 ms", "max ms", "idle, % of a core"],
    )
    found = {}
    for name, follow in ((_TAIL, tail), (_INGEST, ingest), (_RUN, worker)):
        with tempfile.TemporaryDirectory(dir=asked.scratch()) as folder:
            seen = follow(Path(folder), asked)
        ordered = sorted(each * 1000 for each in seen.delays_s)
        found[name] = {"p50_ms": _at(ordered, 0.5), "p99_ms": _at(ordered, 0.99)}
        found[name] |= {"max_ms": ordered[-1]}
        cells = [f"{each:,.0f}" for each in found[name].values()]
        idle = seen.idle
        part.rows.append([name, *cells, "-" if idle is None else f"{idle * 100:.2f}"])
        part.figures[name] = {**found[name], "idle": idle}
    part.notes.append(
        "From the end of the write of 100 events until all of them were seen: on tail's standard "
        f"output, or in the file, which is looked at each {POLL_S * 1000:g} ms. The worker takes "
        f"{asked.jobs:,} jobs as fast as it can. Idle is of a log that rests."
    )
    tail_ms = found[_TAIL]["p99_ms"]
    part.goals = [Goal("an outcome in tail, p99", MOST_TAIL_MS, tail_ms, "ms", at_least=False)]
    for name in (_TAIL, _INGEST):
        idle = part.figures[name]["idle"]
        share = None if idle is None else idle * 100
        what = f"{name.partition(',')[0]} at rest, of a core"
        part.goals.append(Goal(what, MOST_IDLE_PERCENT, share, "%", at_least=False))
    for where, name in (("the file of ingest", _INGEST), ("stats.json", _RUN)):
        slowest = found[name]["max_ms"] / 1000
        what = f"an outcome in {where}, slowest"
        part.goals.append(Goal(what, MOST_STATS_S, slowest, "s", at_least=False))
    return part


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
