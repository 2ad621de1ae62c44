"""Replay of our own lines, beside all that reads JSON Lines."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Goal, Part, kept, ratio
from benchmarks.logs import make_log
from benchmarks.ours import OURS, replay
from benchmarks.peers.known import DUCKDB_BOTH, PEERS, WC
from benchmarks.runs import take_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.asked import Asked
    from benchmarks.peers.known import Peer

LEAST_OF_DUCKDB = 2.5
LEAST_PERCENT_OF_WC = 40.0
MOST_MB = 150.0


def measure(asked: Asked) -> Part:
    """Let all read the log, the slow ones a tenth of it; all have to find the same totals."""
    return _compare(asked, "replay", asked.lines, PEERS)


def measure_large(asked: Asked) -> Part:
    """The same of a larger log, by those alone of which the goals speak."""
    peers = [peer for peer in PEERS if peer.name in {DUCKDB_BOTH, WC}]
    return _compare(asked, "large", asked.large_lines, peers)


def _compare(asked: Asked, part_name: str, lines: int, peers: Sequence[Peer]) -> Part:
    logs = {False: make_log(asked.logs, lines, asked.seed)}
    here = [peer for peer in peers if peer.is_here]
    if any(peer.is_slow for peer in here):
        logs[True] = make_log(asked.logs, min(lines, asked.slow_lines), asked.seed)
    with tempfile.TemporaryDirectory(dir=asked.scratch()) as name:
        folder = Path(name)
        ways = [replay(*logs[False])]
        ways += [peer.way(*logs[peer.is_slow], folder) for peer in here]
        timed = take_turns(ways, asked.rounds, folder)
    slow = {peer.name for peer in here if peer.is_slow}
    sizes = {
        name: (logs[name in slow][1].lines, logs[name in slow][0].stat().st_size) for name in timed
    }
    speed = {name: sizes[name][0] / each.wall_s for name, each in timed.items()}
    part = Part(
        part_name,
        f"Replay of {lines:,} lines, {sizes[OURS][1] / 1e6:,.0f} MB",
        ["", "lines/s", "MB/s", "CPU s", "peak MB", "syncstats is"],
        figures={"runs": kept(timed.values()), "lines_per_s": speed},
        missing=[peer.name for peer in peers if not peer.is_here],
    )
    for name in sorted(timed, key=lambda name: -speed[name]):
        each, (_, size) = timed[name], sizes[name]
        cells = [
            f"{speed[name]:,.0f}",
            f"{size / each.wall_s / 1e6:,.0f}",
            f"{each.cpu_s:.2f}",
            f"{each.peak_bytes / 1e6:,.0f}",
            f"{speed[OURS] / speed[name]:.2f}x",
        ]
        part.rows.append([name + " *" * (name in slow), *cells])
    part.notes.append(
        "Each is a process that starts, reads a file that is in the page cache, prints the same "
        "totals, and ends. Medians of the whole time, starts included; the peak is that of the "
        "largest process, of any run."
    )
    if slow:
        fewer = logs[True][1].lines
        part.notes.append(f"* of a log of {fewer:,} lines, whose totals it has to find.")
    of_duckdb = ratio(speed[OURS], speed.get(DUCKDB_BOTH))
    of_wc = ratio(100 * speed[OURS], speed.get(WC))
    peak_mb = timed[OURS].peak_bytes / 1e6
    what = "replay" if lines == asked.lines else f"{lines / 1e6:g} M lines"
    part.goals = [
        Goal(f"{what}, speed of DuckDB, 2 threads", LEAST_OF_DUCKDB, of_duckdb, "x"),
        Goal(f"{what}, speed of wc -l", LEAST_PERCENT_OF_WC, of_wc, "%"),
        Goal(f"{what}, peak memory", MOST_MB, peak_mb, "MB", at_least=False),
    ]
    return part
