"""All peers that read a log, and which of them are here."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.peers import programs
from benchmarks.peers.programs import read_own
from benchmarks.runs import Way
from benchmarks.totals import Totals, TotalsError, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A program that reads the log.

    Attributes:
        name: What it is called in tables.
        needs: The Python package, or the program on ``PATH``, that has to be there.
        argv: Makes the command, from the log and a folder for its own files.
        read: Makes totals of what it prints, and of that folder.
        is_program: Whether it is a program on ``PATH``.
        is_slow: Whether it gets a log with a tenth of the lines.
        unsaid: What of the totals it cannot tell.
        env: What is set for it.
    """

    name: str
    needs: str
    argv: Callable[[Path, Path], Sequence[str]]
    read: Callable[[bytes, Path], Totals] = read_own
    is_program: bool = False
    is_slow: bool = False
    unsaid: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_here(self) -> bool:
        """Whether it can be run."""
        there = shutil.which(self.needs) if self.is_program else find_spec(self.needs)
        return there is not None

    def way(self, log: Path, wanted: Totals, folder: Path) -> Way:
        """The command that reads ``log``, held to the totals that it has."""

        def look(out: bytes) -> None:
            found = self.read(out, folder)
            if self.unsaid == ONLY_LINES:
                if found.lines != wanted.lines:
                    raise TotalsError(f"{self.name}: {found.lines} of {wanted.lines} lines")
            else:
                check(self.name, found, wanted, self.unsaid)

        env = {"HOME": str(folder), **self.env} if self.is_program else self.env
        return Way(self.name, self.argv(log, folder), look, env)


ONLY_LINES = frozenset({"succeeded", "failed", "skipped", "errors", "duration_ns", "other"})


def module(name: str, workers: int) -> Callable[[Path, Path], Sequence[str]]:
    """The command of a peer in this package."""
    run = (sys.executable, "-m", f"benchmarks.peers.{name}")
    return lambda log, _folder: (*run, str(log), str(workers))


def _program(
    name: str,
    needs: str,
    argv: Callable[[Path, Path], Sequence[str]],
    read: Callable[[bytes, Path], Totals],
    unsaid: frozenset[str] = frozenset(),
) -> Peer:
    return Peer(name, needs, argv, read, is_program=True, is_slow=True, unsaid=unsaid)


DUCKDB_BOTH = "DuckDB, 2 threads"
WC = "wc -l (counts line ends)"
_BOTH = {"POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "2"}
PEERS = (
    Peer(DUCKDB_BOTH, "duckdb", module("duckdb_sql", 2)),
    Peer("DuckDB, 1 thread", "duckdb", module("duckdb_sql", 1)),
    Peer("msgspec loop, 2 processes", "msgspec", module("msgspec_loop", 2)),
    Peer("msgspec loop", "msgspec", module("msgspec_loop", 1)),
    Peer("orjson loop, 2 processes", "orjson", module("orjson_loop", 2)),
    Peer("orjson loop", "orjson", module("orjson_loop", 1)),
    Peer("Polars, 2 threads", "polars", module("polars_scan", 2), env=_BOTH),
    Peer("PyArrow, 2 threads", "pyarrow", module("pyarrow_scan", 2), env=_BOTH),
    Peer(WC, "wc", programs.wc, programs.read_wc, is_program=True, unsaid=ONLY_LINES),
    _program("mtail", "mtail", programs.mtail, programs.read_mtail),
    _program("lnav", "lnav", programs.lnav, programs.read_lnav),
    _program(
        "GoAccess, counts only",
        "goaccess",
        programs.goaccess,
        programs.read_goaccess,
        frozenset({"duration_ns"}),
    ),
    _program("jq", "jq", programs.jq, read_own),
    _program("Miller", "mlr", programs.miller, programs.read_miller),
)
