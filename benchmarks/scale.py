"""What many streams cost: a snapshot's encoding, size, commit, reading, join; partial results.

Called as ``python -m benchmarks.scale``.

A simulation: entries of some busy streams stand for those of all, under other names; all else is
the program's own code. A commit is what a runner does: the bytes go to a temporary file, which is
synced and renamed, and its folder is synced, in D. Times are medians, of the wall clock for
commits, else of the processor.
"""

from __future__ import annotations

import argparse
import pickle
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import orjson

from benchmarks.calling import add, ended, folder
from events.clock import format_timestamp
from events.filesystem import RealFileSystem
from projections.engines.partial import Partial, merge
from projections.fold import Fold
from projections.join import join
from projections.snapshot import Snapshot, parse_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from projections.entry import Entry

KINDS = 32
"""So many streams are really folded."""
PARTS = 8
"""So many partial results are merged by one task of the Dask engine."""
_BEGIN_US = 1_767_225_600_000_000
_ERRORS = ["PlexNotFound", "TransientError", "PermanentError", "HandlerTimeout"]


class Made(NamedTuple):
    """Entries of the streams that are really folded.

    Attributes:
        early: After half of their lines.
        late: After all.
        parts: By the parts of their lines, none of which overlap.
    """

    early: list[Entry]
    late: list[Entry]
    parts: list[list[Entry]]


def lines_of(outcomes: int, rng: random.Random) -> list[bytes]:
    """The lines of one stream: an opening, and outcomes."""
    head = {"v": 1, "stream": "s", "timestamp": format_timestamp(_BEGIN_US)}
    found = [head | {"event": "stream.opened", "seq": 0, "epoch": f"{rng.getrandbits(64):x}"}]
    for seq in range(1, outcomes + 1):
        line = {
            "v": 1,
            "stream": "s",
            "seq": seq,
            "timestamp": format_timestamp(_BEGIN_US + seq * 1_000_000),
            "job_id": seq,
            "attempt": 1,
            "duration_ns": round(rng.lognormvariate(18, 1.5)),
            "wait_ns": round(rng.lognormvariate(21, 2)),
        }
        if rng.random() < 0.1:
            line |= {"event": "job.failed", "error_type": rng.choice(_ERRORS), "to_dlq": False}
        else:
            line |= {"event": "job.succeeded", "confidence": "high"}
        found.append(line)
    return [orjson.dumps(line) + b"\n" for line in found]


def make(outcomes: int, rng: random.Random) -> Made:
    """Fold some streams."""
    made = Made([], [], [[] for _ in range(PARTS)])
    for _ in range(KINDS):
        lines = lines_of(outcomes, rng)
        made.early.append(folded(lines[: len(lines) // 2]))
        made.late.append(folded(lines))
        for number, part in enumerate(made.parts):
            begin, end = (len(lines) * n // PARTS for n in (number, number + 1))
            part.append(folded(lines[begin:end], lines[:begin]))
    return made


def folded(lines: list[bytes], before: list[bytes] | None = None) -> Entry:
    """What lines of stream ``s`` add up to, with their place in its log."""
    fold = Fold()
    fold.lines(b"".join(lines))
    fold.place("s", 0, sum(map(len, [*(before or ()), *lines])))
    return fold.entry("s")


def named(entries: list[Entry], streams: int, first: int = 0) -> dict[str, Entry]:
    """So many streams with these entries."""
    return {f"worker-{n:05d}-x7f2": entries[n % KINDS] for n in range(first, first + streams)}


def timed(work: Callable[[], object], rounds: int, clock: Callable[[], float]) -> float:
    """The median of some runs, in milliseconds."""
    times = []
    for _ in range(rounds):
        begin = clock()
        work()
        times.append(clock() - begin)
    return median(times) * 1000


def row(streams: int, made: Made, rounds: int, folder: Path) -> list[str]:
    """Measure with so many streams."""
    late, early = Snapshot(named(made.late, streams)), Snapshot(named(made.early, streams))
    other = Snapshot(named(made.late, streams, streams))
    data = late.to_bytes()
    encoded = {name: entry.to_bytes() for name, entry in late.streams.items()}
    most = dict(list(encoded.items())[max(streams // 100, 1) :])
    fs, path = RealFileSystem(), folder / "stats.json"
    parts = [
        Partial(named(part, streams), dict.fromkeys(late.streams, (number,)))
        for number, part in enumerate(made.parts)
    ]
    if merge(parts).entries != late.streams or join(early, late) != late:
        raise SystemExit("a merge or a join gives something else")

    def cpu(work: Callable[[], object]) -> str:
        return f"{timed(work, rounds, time.process_time):.1f}"

    commit = timed(lambda: fs.replace_file(path, data), rounds, time.perf_counter)
    return [
        f"{streams:,}",
        f"{len(data) / 1e6:.2f}",
        cpu(late.to_bytes),
        cpu(lambda: late.to_bytes(most)),
        f"{commit:.1f}",
        cpu(lambda: parse_snapshot(data, "stats.json")),
        cpu(lambda: join(late, other)),
        cpu(lambda: join(early, late)),
        cpu(lambda: merge(parts)),
        f"{size_of_part(made, streams) / 1e6:.2f}",
    ]


def size_of_part(made: Made, streams: int) -> float:
    """Bytes of a partial result on its way: of streams that have nothing in common."""
    return len(pickle.dumps(Partial(named(made.parts[0], KINDS), {}))) * streams / KINDS


def main() -> int:
    """Print a line for each number of streams."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    add(parser, "--streams", (100, 1000, 10_000), "streams of a snapshot; a row for each")
    add(parser, "--outcomes", 1000, "of each stream")
    add(parser, "--rounds", 3, "how often each thing is timed")
    add(parser, "--seed", 7, "of everything random", int)
    usual = Path(tempfile.gettempdir())
    add(parser, "--folder", usual, "where commits go, a folder of the disk to be measured", folder)
    args = parser.parse_args()
    made = make(args.outcomes, random.Random(args.seed))  # noqa: S311 - no secret
    heads = [
        "streams",
        "MB",
        "encode all ms",
        "encode 1 % ms",
        "commit ms",
        "read ms",
        "join others ms",
        "join older ms",
        f"merge {PARTS} parts ms",
        "part MB",
    ]
    print(" | ".join(heads))  # noqa: T201 - a program that prints a table
    with tempfile.TemporaryDirectory(dir=args.folder) as scratch:
        for streams in args.streams:
            found = row(streams, made, args.rounds, Path(scratch))
            cells = zip(heads, found, strict=True)
            print(" | ".join(f"{cell:>{len(head)}}" for head, cell in cells))  # noqa: T201 - as above
    return 0


if __name__ == "__main__":
    sys.exit(ended("benchmarks.scale", main))
