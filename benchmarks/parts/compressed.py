"""Replay of compressed segments, beside what only decompresses them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part, kept
from benchmarks.logs import compress, make_log
from benchmarks.ours import replay
from benchmarks.runs import Way, take_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.asked import Asked

LEAST_PERCENT = 80.0
_PROGRAMS = {".gz": "gzip", ".zst": "zstd"}


def measure(asked: Asked) -> Part:
    """Compare with the faster of the program and the library."""
    return _compare(asked, "compressed", asked.lines, list(_PROGRAMS))


def measure_large(asked: Asked) -> Part:
    """The same of a larger log, as our worker compresses it: the start counts for less there."""
    return _compare(asked, "packed", asked.large_lines, [".zst"])


def _compare(asked: Asked, part_name: str, lines: int, suffixes: Sequence[str]) -> Part:
    log, totals = make_log(asked.logs, lines, asked.seed)
    packed = compress(log, suffixes)
    ways, alone = [replay(log, totals, "syncstats, plain")], {}
    for suffix, path in packed.items():
        library = (sys.executable, "-m", "benchmarks.peers.decompress", str(path))
        each = [Way(f"Python's library, {suffix}", library)]
        program = _PROGRAMS[suffix]
        if shutil.which(program) is not None:
            each.append(Way(f"{program} -dc, {suffix}", (program, "-dc", str(path))))
        ways += [replay(path, totals, _ours(suffix)), *each]
        alone[suffix] = [way.name for way in each]
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as folder:
        timed = take_turns(ways, asked.rounds, Path(folder))
    size = log.stat().st_size
    part = Part(
        part_name,
        f"Replay of {totals.lines:,} lines, compressed",
        ["", "MB/s of text", "CPU s", "peak MB"],
        figures={"runs": kept(timed.values())},
        missing=[_PROGRAMS[each] for each in suffixes if shutil.which(_PROGRAMS[each]) is None],
    )
    for name, found in timed.items():
        speed = f"{size / found.wall_s / 1e6:,.0f}"
        part.rows.append([name, speed, f"{found.cpu_s:.2f}", f"{found.peak_bytes / 1e6:,.0f}"])
    part.notes.append(
        "Decompressors write nowhere. The goal is of the faster one, whether program or library."
    )
    for suffix, names in alone.items():
        best = min(timed[name].wall_s for name in names)
        percent = best / timed[_ours(suffix)].wall_s * 100
        goal = f"replay of {suffix}, speed of decompression"
        if lines != asked.lines:
            goal = f"{lines / 1e6:g} M lines, {suffix}, decompression"
        part.goals.append(Goal(goal, LEAST_PERCENT, percent, "%"))
    return part


def _ours(suffix: str) -> str:
    return f"syncstats, {suffix}"
