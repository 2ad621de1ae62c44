"""What the handlers really did, by their own record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.harness.handler import KILLED, TRUTH

if TYPE_CHECKING:
    from pathlib import Path

    Attempt = tuple[int, int]


@dataclass
class Run:
    """One run of the handler.

    Attributes:
        scene: Which job of the plan it was.
        process: Who ran it.
        do: What the job says.
        how: How it ended; "" if it did not come to its end.
    """

    scene: int
    process: str
    do: str
    how: str = ""


class Truth:
    """Reads the record as it grows.

    Attributes:
        lines: How many lines there are.
        runs: The runs by job and attempt.
        repeated: What was begun or ended twice.
        killers: Processes that died of a job.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / TRUTH
        self._offset = 0
        self.lines = 0
        self.runs: dict[Attempt, Run] = {}
        self.repeated: list[str] = []
        self.killers: set[str] = set()

    def read(self) -> int:
        """Read on; return how many lines there are."""
        if not self._path.exists():
            return 0
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.decode().splitlines():
            self._take(line)
        return self.lines

    def _take(self, line: str) -> None:
        self.lines += 1
        what, scene, job, attempt, process, more = line.split(" ", 5)
        key = int(job), int(attempt)
        if what == "B":
            if key in self.runs:
                self.repeated.append(f"attempt {key[1]} of job {key[0]} was run twice")
            self.runs[key] = Run(int(scene), process, more)
            return
        run = self.runs[key]
        if run.how:
            self.repeated.append(f"attempt {key[1]} of job {key[0]} ended twice")
        run.how = more
        if more == KILLED:
            self.killers.add(process)
