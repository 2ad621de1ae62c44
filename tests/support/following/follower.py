"""`syncstats ingest` as a process that is killed, stopped and started again."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.handlers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.following.nursery import Nursery


@dataclass(frozen=True)
class Counted:
    """What a state file holds.

    Attributes:
        names: How often each line was counted, by its name.
        processed: All that was counted.
        invalid: Lines that cannot be believed.
        duplicates: Lines whose seq was known.
    """

    names: Counter[str]
    processed: int
    invalid: int
    duplicates: int


def counted(state: Path) -> Counted:
    """What the state counts now; nothing while there is no file."""
    try:
        found = json.loads(state.read_bytes())
    except FileNotFoundError:
        return Counted(Counter(), 0, 0, 0)
    return Counted(
        Counter(found["errors_by_type"]),
        found["jobs_processed"],
        found["invalid_lines"],
        found["duplicates"],
    )


class Follower:
    """One ingestion, over as many processes as it takes.

    Args:
        nursery: Starts them.
        state: Its state file.
        cwd: The folder that its paths start at.
        notes: The file that all its processes' standard error is added to.
        most_open: How many descriptors its processes may have; 0: as many as usual.

    Attributes:
        args: What stands after ``syncstats ingest``, but ``--state`` and ``--follow``.
    """

    def __init__(
        self, nursery: Nursery, state: Path, cwd: Path, notes: Path, *, most_open: int = 0
    ) -> None:
        self.state = state
        self.args: list[str] = []
        self._nursery = nursery
        self._cwd = cwd
        self._notes = notes
        self._most_open = most_open
        self._process = 0

    @property
    def runs(self) -> bool:
        """Whether a process follows, or should."""
        return self._process != 0

    def start(self) -> None:
        """Start a process that follows."""
        assert not self._process
        self._process = self._start("--follow")

    def kill(self) -> None:
        """End the process as a power cut would."""
        process, self._process = self._process, 0
        if process:
            os.kill(process, signal.SIGKILL)
            self._nursery.wait(process)

    def stop(self) -> None:
        """Let the process end in good order."""
        process, self._process = self._process, 0
        os.kill(process, signal.SIGTERM)
        self._end(process, 0, -signal.SIGTERM)  # the latter before it has begun

    def check(self) -> None:
        """See that the process has not ended by itself."""
        status = self._nursery.status(self._process)
        if status is not None:
            self._process = 0
            raise AssertionError(f"the process ended with {status}: {self.notes}")

    def show_where(self) -> None:
        """Let a process that seems to hang add to its notes where it is."""
        self._show_where(self._process)

    def run_once(self, *more: str, status: int = 0) -> None:
        """Run it without following: all that is undecided is decided then."""
        self._end(self._start(*more), status)

    @property
    def notes(self) -> str:
        """All that was said on standard error so far."""
        return self._notes.read_text()

    def _show_where(self, process: int) -> None:
        os.kill(process, signal.SIGUSR1)
        wait_until(lambda: "Current thread" in self.notes, "it shows where it is", 5)

    def _start(self, *more: str) -> int:
        args = ["ingest", *self.args, "--state", str(self.state), *more]
        return self._nursery.start(args, self._cwd, self._notes, self._most_open)

    def _end(self, process: int, *statuses: int) -> None:
        try:
            ended = self._nursery.wait(process)
        except AssertionError as error:
            try:
                self._show_where(process)
            finally:
                error.add_note(self.notes)
                os.kill(process, signal.SIGKILL)
            raise
        assert ended in statuses, f"it ended with {ended}: {self.notes}"
