"""``python -m tests.faults.harness``: kill workers, then tell whether anything was lost."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import shlex
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.harness.audit import Audit
from tests.faults.harness.field import Field
from tests.faults.harness.plan import cycles
from tests.faults.harness.points import POINTS
from tests.support.command import ROOT

if TYPE_CHECKING:
    from collections import Counter

CHECKED_EVERY = 25
_SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Play a seed's cycles; the exit status is 1 if anything is wrong."""
    asked = _parse(arguments)
    _load_everything()
    folder = Path(tempfile.mkdtemp(prefix="syncstats-faults-"))
    field = Field(folder, asked.mutation)
    found, problem = Audit(0, 0, [], []), ""
    done = 0
    try:
        for cycle in cycles(asked.seed, asked.cycles, asked.only):
            field.play(cycle)
            done = cycle.number
            _progress(f"{done}/{asked.cycles} kills={field.kills} {cycle.kill}")
            if done % asked.check_every == 0 or done == asked.cycles:
                found = field.settle()
                if found.lost or found.twice or field.odd:
                    break
    except Exception as error:  # noqa: BLE001 - told, and the folder is kept
        problem = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    finally:
        field.end()
    _progress("")
    wrong = [*found.lost, *found.twice, *field.odd, *([problem] if problem else [])]
    if asked.points:
        _tell_points(field.died_at)
    if wrong:
        _tell_what_is_wrong(wrong, done, asked, folder)
    elif asked.keep:
        _say(f"kept: {folder}")
    else:
        shutil.rmtree(folder)
    print(_closing_line(field, found, problem), flush=True)  # noqa: T201 - the one answer of this program
    return 1 if wrong else 0


def _load_everything() -> None:
    """Once, for all processes that are forked."""
    for package in ("events", "sync_queue", "worker", "projections"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            importlib.import_module(module.name)


def _closing_line(field: Field, found: Audit, problem: str) -> str:
    jobs = len(field.told.added)
    line = (
        f"kills={field.kills} jobs={jobs} outcomes={found.outcomes} "
        f"lost={len(found.lost)} twice={len(found.twice)} torn_repaired={found.torn}"
    )
    odd = len(field.odd) + bool(problem)
    return f"{line} odd={odd}" if odd else line


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.harness", description=__doc__)
    parser.add_argument("--cycles", type=int, default=100, help="how many kills, at least")
    parser.add_argument("--seed", type=int, default=1, help="all of the plan follows from it")
    parser.add_argument("--only", default="*", help="a shell pattern for the points' names")
    parser.add_argument("--mutation", help="break the product: see tests/support/mutations.py")
    parser.add_argument("--check-every", type=int, default=CHECKED_EVERY, help="cycles")
    parser.add_argument("--points", action="store_true", help="tell how often processes died where")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    asked = parser.parse_args(arguments)
    if asked.mutation is not None:
        known = importlib.import_module("tests.support.mutations").MUTATIONS
        if asked.mutation not in known:
            parser.error(f"no mutation {asked.mutation!r}; there are {', '.join(sorted(known))}")
    return asked


def _tell_points(died_at: Counter[str]) -> None:
    for name in sorted({*died_at, *(point.name for point in POINTS)}):
        _say(f"{died_at[name]:5} {name}")


def _tell_what_is_wrong(
    wrong: list[str], done: int, asked: argparse.Namespace, folder: Path
) -> None:
    for sentence in wrong[:_SHOWN]:
        _say(f"wrong: {sentence}")
    if len(wrong) > _SHOWN:
        _say(f"and {len(wrong) - _SHOWN} more")
    _say(f"The folder is kept: {folder}")
    again = f"make faults CYCLES={asked.cycles} SEED={asked.seed}"
    if asked.only != "*" or asked.mutation is not None:
        again = f"python -m tests.faults.harness {shlex.join(sys.argv[1:])}"
    _say(f"Found after cycle {done}. What the kernel schedules may differ; the plan again: {again}")


def _progress(text: str) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - so it speaks to people


if __name__ == "__main__":
    sys.exit(main())
