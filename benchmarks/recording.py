"""How many jobs a second a worker takes, runs, records and acknowledges, beside other queues.

Called as ``python -m benchmarks.recording``.

Ours is the command itself, as a process: ``syncstats run`` with a handler that does nothing, each
outcome on the disk before its job is acknowledged, stats.json kept current. Beside the whole time,
the part is shown that is not the start of a process: the time with one job is taken off.

The others, on SQLite too, put each job in, get it and acknowledge it, one after the other in this
process, as their manuals show; those that are not installed are left out. They are given fewer
jobs, which rather favours those that become slower by what they have done. Some sync less than we
do: the column says so. The ways take turns; a figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.calling import add, ended, folder
from benchmarks.runs import SYNCSTATS, environment

if TYPE_CHECKING:
    from collections.abc import Callable

EACH_STEP = "each step"
HANDLER = "def handle(job):\n    return None\n"


class Took(NamedTuple):
    """Seconds of one round: putting all jobs in; getting, running and acknowledging them."""

    put_s: float
    work_s: float


class Way(NamedTuple):
    """One queue: how it is measured, and when it syncs."""

    name: str
    durable: str
    measure: Callable[[Path, int], Took]


def payload(number: int) -> dict[str, Any]:
    """What each job says."""
    return {"path": f"/media/{number}.mkv", "title": "A"}


def _command(folder: Path, *args: str) -> float:
    """Run the command, and tell how long that took, in seconds."""
    begin = time.perf_counter()
    subprocess.run(
        [*SYNCSTATS, *args, "--data", str(folder / "data")],
        cwd=folder,
        env=environment(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begin


def syncstats(batch: int) -> Callable[[Path, int], Took]:
    """Enqueue all jobs by one command, and work them by another."""

    def measure(folder: Path, jobs: int) -> Took:
        (folder / "bench_handler.py").write_text(HANDLER)
        lines = folder / "jobs.jsonl"
        with lines.open("w") as file:
            for number in range(jobs):
                file.write(json.dumps({"scene_id": number, "data": payload(number)}) + "\n")
        put_s = _command(folder, "enqueue", str(lines))
        run = ("run", "--handler", "bench_handler:handle", "--drain", "--batch", str(batch))
        took = Took(put_s, _command(folder, *run))
        stats = json.loads((folder / "data" / "stats.json").read_bytes())
        if stats["jobs_succeeded"] != jobs:
            raise SystemExit(f"{stats['jobs_succeeded']:,} of {jobs:,} jobs were recorded")
        return took

    return measure


def started(batch: int) -> Callable[[Path, int], Took]:
    """The same without jobs: what it costs to start."""
    measure = syncstats(batch)
    return lambda folder, _jobs: measure(folder, 1)


def _timed(put: Callable[[int], object], work: Callable[[], object], jobs: int) -> Took:
    begin = time.perf_counter()
    for number in range(jobs):
        put(number)
    middle = time.perf_counter()
    for _ in range(jobs):
        work()
    return Took(middle - begin, time.perf_counter() - middle)


def persist_queue(folder: Path, jobs: int) -> Took:
    """persist-queue: a queue with acknowledgement, in a file of SQLite."""
    queue = import_module("persistqueue").SQLiteAckQueue(str(folder / "persist"), auto_commit=True)

    def work() -> None:
        queue.ack(queue.get())

    return _timed(lambda number: queue.put(payload(number)), work, jobs)


def litequeue(*, full: bool) -> Callable[[Path, int], Took]:
    """litequeue: pop, then done; ``full`` has SQLite sync each step, which it does not else."""

    def measure(folder: Path, jobs: int) -> Took:
        queue = import_module("litequeue").LiteQueue(str(folder / "lite.db"))
        if full:
            queue.conn.execute("PRAGMA synchronous = FULL")

        def work() -> None:
            queue.done(queue.pop().message_id)

        return _timed(lambda number: queue.put(json.dumps(payload(number))), work, jobs)

    return measure


def huey(folder: Path, jobs: int) -> Took:
    """On SQLite: a task that does nothing; taking it from the queue acknowledges it."""
    huey_ = import_module("huey").SqliteHuey(filename=str(folder / "huey.db"), fsync=True)

    def nothing(_job: dict[str, Any]) -> None:
        """As our handler."""

    task = huey_.task()(nothing)

    return _timed(
        lambda number: task(payload(number)), lambda: huey_.execute(huey_.dequeue()), jobs
    )


def ways(batch: int) -> list[Way]:
    """Ours, and the peers that are installed."""
    peers = [
        ("persistqueue", Way("persist-queue", EACH_STEP, persist_queue)),
        ("litequeue", Way("litequeue", "now and then", litequeue(full=False))),
        ("litequeue", Way("litequeue, FULL", EACH_STEP, litequeue(full=True))),
        ("huey", Way("huey, fsync=True", EACH_STEP, huey)),
    ]
    there = [way for module, way in peers if _is_there(module)]
    return [
        Way("(start of syncstats)", "", started(batch)),
        Way("syncstats", "each batch, log and queue", syncstats(batch)),
        *there,
    ]


def _is_ours(name: str) -> bool:
    return "syncstats" in name


def _is_there(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True


def measure(asked: argparse.Namespace) -> dict[str, Took]:
    """The median of each way's rounds, which alternate."""
    took: dict[str, list[Took]] = {}
    for _ in range(asked.rounds):
        for way in ways(asked.batch):
            with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
                count = asked.jobs if _is_ours(way.name) else asked.peer_jobs
                took.setdefault(way.name, []).append(way.measure(Path(folder), count))
    return {
        name: Took(median(t.put_s for t in each), median(t.work_s for t in each))
        for name, each in took.items()
    }


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recording", description=__doc__)
    add(parser, "--jobs", 100_000, "jobs that our worker takes")
    add(parser, "--peer-jobs", 10_000, "jobs that other queues take")
    add(parser, "--rounds", 5, "how often each way is run")
    add(parser, "--batch", 100, "jobs that are taken at once")
    usual = Path(tempfile.gettempdir())
    add(parser, "--folder", usual, "where the queues are made: a disk, no memory", folder)
    asked = parser.parse_args()
    took = measure(asked)
    start = took.pop("(start of syncstats)")
    durable = {way.name: way.durable for way in ways(asked.batch)}
    out = sys.stdout.write
    out(f"{'way':<28} {'synced':<25} {'put/s':>9} {'work/s':>9} {'both/s':>9}\n")
    for name, (put_s, work_s) in took.items():
        rows = {name: (put_s, work_s)}
        if name == "syncstats":
            rows["syncstats, once started"] = (put_s - start.put_s, work_s - start.work_s)
        for shown, (put, work) in rows.items():
            count = asked.jobs if _is_ours(name) else asked.peer_jobs
            speeds = [count / seconds for seconds in (put, work, put + work)]
            out(f"{shown:<28} {durable[name]:<25} {speeds[0]:>9,.0f} {speeds[1]:>9,.0f}")
            out(f" {speeds[2]:>9,.0f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(ended("benchmarks.recording", main))
