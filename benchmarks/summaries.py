"""How long a rebuild of a large log takes by the summaries of its sealed segments.

Called as ``python -m benchmarks.summaries``.

The log has 10,000 sealed segments of 100,000 lines each by default: a billion events, 240 GB, which
is more than a test machine holds. So the sealed segments are *holes*: files of the size that the
lines would have, without blocks on the disk. A rebuild sees of a sealed segment no more than its
name, size, time and inode as long as its summary fits, so it does what it would do on the whole
log, but for a folder's and inodes' places on the disk. The summaries are true ones: of 16 segments
of such lines, which are written and folded, with their numbers and times moved on. The last segment
of each stream is written out. (``--real`` writes out all: take fewer lines then.)

What is timed is the process, from its start to its end: `syncstats rebuild`. With ``--real`` also
``rebuild --no-summaries``, in turn, whose stats.json has to be the same.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.calling import add, ended
from events.clock import format_timestamp
from events.filesystem import RealFileSystem
from events.log.position import Position
from events.log.segment import segment_name
from events.log.stream import stream_folder
from projections.fold import Fold
from projections.summaries.segment import SegmentFile, SegmentSummary
from projections.summaries.store import SummaryStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from projections.entry import Entry

TEMPLATES = 16
_BEGIN_US = 1_790_000_000_000_000
_ERRORS = ["PlexNotFound", "PlexUnavailable", "HandlerTimeout", "ValueError"]
_SEQ = b'"seq":%-12d,'  # of one width, so that segments of one template have one size


def lines_of(stream: str, first: int, count: int, rng: random.Random) -> bytes:
    """So many lines of a worker, of which one in eight failed."""
    lines = []
    for seq in range(first, first + count):
        moment = format_timestamp(_BEGIN_US + seq * 1000)
        head = b'{"event":"job.%b","v":1,"stream":"%b",' + _SEQ + b'"timestamp":"%b",'
        duration_ns, wait_ns = int(rng.lognormvariate(20, 0.7)), int(rng.lognormvariate(22, 1.5))
        rest = (
            b'"job_id":%d,"kind":"metadata","scene_id":%d,"attempt":1,"duration_ns":%d,"wait_ns":%d'
        )
        numbers = rest % (seq, seq % 9000, duration_ns, wait_ns)
        name = stream.encode()
        if seq % 8:
            lines.append(head % (b"succeeded", name, seq, moment.encode()) + numbers + b"}\n")
        else:
            error = rng.choice(_ERRORS).encode()
            tail = b',"error_type":"%b","error":"no item for it","to_dlq":false}\n' % error
            lines.append(head % (b"failed", name, seq, moment.encode()) + numbers + tail)
    return b"".join(lines)


def fold_of(stream: str, lines: bytes) -> Entry:
    """What lines add up to."""
    fold = Fold()
    fold.lines(lines, folder=stream)
    fold.place(stream, 0, len(lines))
    return fold.entry(stream)


def moved(entry: Entry, first: int, count: int) -> Entry:
    """The same outcomes as another segment has them."""
    start_us = _BEGIN_US + first * 1000
    stats = entry.stats.copy()
    stats.session_start = start_us / 1e6
    return msgspec.structs.replace(
        entry,
        position=Position("", first + count, first, entry.position.offset),
        seen=((first, first + count),),
        as_of_us=start_us + (count - 1) * 1000,
        stats=stats,
    )


def make_holes(data: Path, stream: str, segments: int, count: int) -> None:
    """Make one stream, its sealed segments as holes, with their summaries."""
    fs = RealFileSystem()
    rng = random.Random(stream)  # noqa: S311 - not for secrets
    folder = stream_folder(data, stream)
    folder.mkdir(parents=True)
    texts = [lines_of(stream, n * count, count, rng) for n in range(min(TEMPLATES, segments))]
    entries = [fold_of(stream, text) for text in texts]
    made = []
    for n in range(segments):
        path = folder / segment_name(n * count)
        with path.open("wb") as file:
            file.truncate(len(texts[n % len(texts)]))
        found = fs.status(path)
        kept = SegmentFile(n * count, "", found.size, found.mtime_ns, found.inode, crc32=0)
        made.append(SegmentSummary(kept, moved(entries[n % len(entries)], n * count, count)))
    (folder / segment_name(segments * count)).write_bytes(
        lines_of(stream, segments * count, count, rng)
    )
    SummaryStore(data, fs).save(stream, made)


def make_real(data: Path, stream: str, segments: int, count: int) -> None:
    """Make one stream whose segments all hold their lines."""
    rng = random.Random(stream)  # noqa: S311 - not for secrets
    folder = stream_folder(data, stream)
    folder.mkdir(parents=True)
    for n in range(segments + 1):
        text = lines_of(stream, n * count, count, rng)
        (folder / segment_name(n * count)).write_bytes(text)


def rebuild(data: Path, *options: str) -> tuple[float, bytes]:
    """Run the command; seconds from its start to its end, and the stats.json that it made."""
    (data / "stats.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "projections.cli", "rebuild", "--data", str(data)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    begin = time.perf_counter()
    subprocess.run([*command, *options], env=env, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - begin
    return took, (data / "stats.json").read_bytes()


def measure(data: Path, ways: Sequence[tuple[str, ...]], runs: int) -> dict[str, float]:
    """Medians of so many runs of each way, in turn; all have to make the same stats."""
    times: dict[str, list[float]] = {}
    made = set()
    for _ in range(runs):
        for way in ways:
            took, stats = rebuild(data, *way)
            times.setdefault(" ".join(("rebuild", *way)), []).append(took)
            made.add(stats)
    if len(made) != 1:
        raise AssertionError("the ways make different stats")
    total: dict[str, Any] = msgspec.json.decode(made.pop())
    tell(f"{total['jobs_processed']:,} attempts, {total['gaps']} gaps")
    return {name: median(each) for name, each in times.items()}


def tell(text: str) -> None:
    """Print a line."""
    print(text, flush=True)  # noqa: T201 - a program that prints figures


@contextmanager
def data_folder(keep: Path | None) -> Iterator[Path]:
    """Give a new folder: one to keep, or a temporary one."""
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="syncstats-bench-") as folder:
        yield Path(folder)


def main() -> int:
    """Make a log in a temporary folder, and print what rebuilding it takes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.summaries", description=__doc__)
    add(parser, "--segments", 10_000, "sealed ones, of all streams")
    add(parser, "--lines", 100_000, "lines in each")
    add(parser, "--streams", 4, "streams of the log")
    add(parser, "--runs", 5, "how often each way is timed")
    parser.add_argument("--real", action="store_true", help="write all lines out")
    parser.add_argument("--keep", type=Path, help="make the log in this new folder, and leave it")
    asked = parser.parse_args()
    with data_folder(asked.keep) as data:
        make = make_real if asked.real else make_holes
        for number in range(asked.streams):
            make(data, f"nas-{number}", asked.segments // asked.streams, asked.lines)
        ways: list[tuple[str, ...]] = [()]
        if asked.real:
            rebuild(data)  # makes the summaries
            ways.append(("--no-summaries",))
        size = sum(each.stat().st_size for each in data.glob("events/*/*"))
        kept = sum(each.stat().st_size for each in data.glob("summaries/*/*"))
        tell(f"{asked.segments:,} sealed segments in {asked.streams} streams, {size / 1e9:,.1f} GB")
        tell(f"{kept / 1e6:,.1f} MB of summaries")
        for name, seconds in measure(data, ways, asked.runs).items():
            tell(f"{name}: {seconds:.3f} s")
    return 0


if __name__ == "__main__":
    sys.exit(ended("benchmarks.summaries", main))
