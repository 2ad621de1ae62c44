"""Measures us and all peers that are here: ``python -m benchmarks``, or ``make bench``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from benchmarks.asked import Asked
from benchmarks.calling import add, ended, seconds
from benchmarks.figures import FALLS_SHORT
from benchmarks.machine import describe
from benchmarks.parts.all_parts import PARTS
from benchmarks.plots import can_draw, draw
from benchmarks.report import machine_text, summary, write_page, write_results
from benchmarks.runs import ROOT, WayError
from benchmarks.table import part as part_text
from benchmarks.totals import TotalsError

_USUAL = Asked(ROOT / ".bench")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)}; all where none is said"
    )
    add(parser, "--lines", _USUAL.lines, "lines of the log that is replayed")
    add(parser, "--large-lines", _USUAL.large_lines, "of the larger log")
    add(parser, "--slow-lines", _USUAL.slow_lines, "of that for slow peers")
    add(parser, "--pure-lines", _USUAL.pure_lines, "of that for pure Python")
    add(parser, "--growth", _USUAL.growth, "of growing logs")
    add(parser, "--sealed", _USUAL.sealed, "segments that are rebuilt")
    add(parser, "--sealed-lines", _USUAL.sealed_lines, "lines in each of these")
    add(parser, "--jobs", _USUAL.jobs, "jobs that our worker takes")
    add(parser, "--peer-jobs", _USUAL.peer_jobs, "jobs that other queues take")
    add(parser, "--events", _USUAL.events, "events said, or folded, in memory")
    add(parser, "--follow-s", _USUAL.follow_s, "how long followers are fed", seconds)
    add(parser, "--rounds", _USUAL.rounds, "how often each way is run")
    add(parser, "--seed", _USUAL.seed, "of everything random", int)
    add(parser, "--folder", _USUAL.folder, "where logs and queues are made", Path)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures to it, as JSON")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="put the tables into it, pictures beside it"
    )
    return parser


def _asked(args: argparse.Namespace) -> Asked:
    fields = {name: getattr(args, name) for name in Asked.__dataclass_fields__}
    return Asked(**{**fields, "folder": args.folder.absolute(), "growth": tuple(args.growth)})


def main() -> int:
    """Measure, and tell; the status is 1 if somebody found other totals, or failed."""
    parser = _parser()
    args = parser.parse_args()
    unknown = [name for name in args.parts if name not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    # Programs that come with the environment of this Python, where that is not active.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    out = sys.stdout
    asked, machine, found = _asked(args), describe(), []
    asked.scratch()  # a folder that cannot be made is told before all else
    out.write(machine_text(machine) + "\n")
    try:
        for name in args.parts or PARTS:
            part = PARTS[name](asked)
            found.append(part)
            out.write(f"\n{part.title}\n\n{part_text(part)}\n")
            out.flush()
    except (TotalsError, WayError) as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        return 1
    finally:
        shutil.rmtree(asked.scratch(), ignore_errors=True)
    out.write(f"\nGoals\n\n{summary(found)}\n")
    short = sum(goal.verdict == FALLS_SHORT for part in found for goal in part.goals)
    out.write(f"\n{short} of {sum(len(part.goals) for part in found)} goals fall short.\n")
    if args.parts and (args.out or args.page):
        sys.stderr.write("benchmarks: figures are kept only where all parts were measured\n")
        return 0
    if args.out is not None:
        write_results(args.out, machine, found)
    if args.page is not None:
        pictures: dict[str, str] = {}
        if can_draw():
            folder = args.page.with_suffix("")
            pictures = {name: f"{folder.name}/{name}.svg" for name in draw(found, folder)}
        else:
            sys.stderr.write("benchmarks: no pictures: matplotlib is not here\n")
        write_page(args.page, machine, found, pictures)
    return 0


if __name__ == "__main__":
    sys.exit(ended("benchmarks", main))
