"""Replay with Dask on this machine, beside replay in one process: what the engine adds."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part, kept
from benchmarks.logs import make_log
from benchmarks.runs import SYNCSTATS, Way, WayError, take_turns
from benchmarks.totals import check, from_stats
from projections.engines.dask import is_installed

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.asked import Asked
    from benchmarks.totals import Totals

FILES = 20
MOST_S, MOST_SHARE = 1.0, 0.2
_ALONE, _DASK = "replay", "replay --engine dask"


def measure(asked: Asked) -> Part:
    """Replay a log that was cut into files, plain and as .zst; both ways print the same bytes."""
    part = Part(
        "cluster",
        f"Replay of {asked.lines:,} lines in {FILES} files with Dask, on this machine",
        ["", "seconds", "beyond one process", "CPU s", "peak MB"],
    )
    if not is_installed():
        part.missing = ["Dask"]
        part.goals = [_goal(suffix, None) for suffix in ("", ".zst")]
        return part
    log, totals = make_log(asked.logs, asked.lines, asked.seed)
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as name:
        folder = Path(name)
        ways = []
        for suffix in ("", ".zst"):
            pattern = _cut(log, folder / f"cut{suffix}", suffix)
            look = _same(totals)
            for way, options in ((_ALONE, ()), (_DASK, ("--engine", "dask"))):
                argv = (*SYNCSTATS, "replay", pattern, "--json", *options)
                ways.append(Way(f"{way}{suffix and ', '}{suffix}", argv, look))
        timed = take_turns(ways, asked.rounds, folder)
    part.figures["runs"] = kept(timed.values())
    for suffix in ("", ".zst"):
        alone, dask = (timed[f"{way}{suffix and ', '}{suffix}"] for way in (_ALONE, _DASK))
        for each in (alone, dask):
            beyond = "-" if each is alone else f"{each.wall_s - alone.wall_s:.2f}"
            cells = [f"{each.wall_s:.2f}", beyond, f"{each.cpu_s:.2f}"]
            part.rows.append([each.name, *cells, f"{each.peak_bytes / 1e6:,.0f}"])
        part.goals.append(_goal(suffix, dask.wall_s - MOST_SHARE * alone.wall_s - alone.wall_s))
    part.notes.append(
        "Both print the same bytes. Starting the cluster and its two processes is what it adds; "
        "on one machine it pays where many compressed files meet many cores. The goal is of what "
        "is left of the difference when a fifth of the time of one process is taken off."
    )
    return part


def _goal(suffix: str, found: float | None) -> Goal:
    what = f"Dask{suffix and ', '}{suffix}: beyond 1.2 x one process"
    return Goal(what, MOST_S, found, "s", at_least=False)


def _same(wanted: Totals) -> Callable[[bytes], None]:
    """Look that ways find the totals, and say the very same."""
    said: set[bytes] = set()

    def look(out: bytes) -> None:
        check("replay with Dask", from_stats(json.loads(out)), wanted)
        said.add(out)
        if len(said) > 1:
            raise WayError("with Dask it prints other bytes")

    return look


def _cut(log: Path, folder: Path, suffix: str) -> str:
    """Cut a log into files at its line ends; gives a pattern that names them."""
    import zstandard

    folder.mkdir()
    pack = zstandard.ZstdCompressor(level=3).compress
    each = log.stat().st_size // FILES + 1
    with log.open("rb") as file:
        for number in range(FILES):
            data = file.read(each) + file.readline()
            path = folder / f"{number:03d}.jsonl{suffix}"
            path.write_bytes(pack(data) if suffix else data)
    return f"{folder}/*.jsonl{suffix}"
