"""Jobs a second, each on the disk before it is acknowledged, beside other queues on SQLite."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part, ratio
from benchmarks.recording import EACH_STEP, ways

if TYPE_CHECKING:
    from benchmarks.asked import Asked
    from benchmarks.recording import Took

LEAST = 40_000.0
LEAST_OF_PEERS = 4.0
_BATCH = 100
_PEERS = ("persist-queue", "litequeue", "litequeue, FULL", "huey, fsync=True")
_OURS = "syncstats"
_START = "(start of syncstats)"


def measure(asked: Asked) -> Part:
    """Let all take turns; what it takes to start our command is taken off."""
    took: dict[str, list[Took]] = {}
    there = ways(_BATCH)
    count = {way.name: asked.jobs if way.name == _OURS else asked.peer_jobs for way in there}
    for _ in range(asked.rounds):
        for way in there:
            with tempfile.TemporaryDirectory(dir=asked.scratch()) as folder:
                each = way.measure(Path(folder), count[way.name])
                took.setdefault(way.name, []).append(each)
    start_s = median(each.work_s for each in took.pop(_START))
    speed = {
        name: count[name] / median(each.work_s for each in rounds) for name, rounds in took.items()
    }
    begun = "syncstats, once started"
    left_s = asked.jobs / speed[_OURS] - start_s
    if left_s > 0:  # else there were so few jobs that the start was all
        speed[begun] = asked.jobs / left_s
    durable = {way.name: way.durable for way in there} | {begun: ""}
    part = Part(
        "recording",
        f"Recording of {asked.jobs:,} jobs; of {asked.peer_jobs:,} by other queues",
        ["", "syncs", "jobs/s"],
        figures={"jobs_per_s": speed, "rounds": took},
        missing=[name for name in _PEERS if name not in speed],
    )
    for name in sorted(speed, key=lambda name: -speed[name]):
        part.rows.append([name, durable[name], f"{speed[name]:,.0f}"])
    part.notes.append(
        "To take a job, run a handler that does nothing, and record and acknowledge it. Ours is a "
        "process; the others run in this one, already started: the goals are of ours once it has "
        "started. Who syncs each step has a job on the disk when it is acknowledged, as we have; "
        "who does not may lose it to a power failure."
    )
    best = max((speed[name] for name in _PEERS if name in speed), default=None)
    syncing = [speed[name] for name in _PEERS if name in speed and durable[name] == EACH_STEP]
    synced = max(syncing, default=None)
    ours = speed.get(begun)
    of_best, of_synced = ratio(ours, best), ratio(ours, synced)
    part.goals = [
        Goal("recording, jobs a second", LEAST, ours, "/s"),
        Goal("recording, speed of the fastest queue", LEAST_OF_PEERS, of_best, "x"),
        Goal("recording, speed of the fastest that syncs", LEAST_OF_PEERS, of_synced, "x"),
    ]
    return part
