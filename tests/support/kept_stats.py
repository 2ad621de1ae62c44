"""A data folder with one short log, and the runners that keep its ``stats.json``."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

from events.filesystem import RealFileSystem
from projections.replay import replay
from projections.runner import Runner
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.held_clock import HeldClock
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import failed, opened, succeeded

if TYPE_CHECKING:
    from pathlib import Path

LINES: Final = (opened(0, "e0"), succeeded(1), failed(2))
"""What the log holds, of stream a."""


class DiskFileSystem(FaultyFileSystem):
    """Notes and fails replacements too."""

    def replace_file(self, path: Any, data: bytes, mode: int | None = None) -> None:
        self.note("replace_file", path)
        RealFileSystem.replace_file(self, path, data, mode)


class Folder:
    """A data folder whose ``stats.json`` is kept.

    Attributes:
        notices: What its runners told.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.stats = data / "stats.json"
        self.notices: list[str] = []

    def runner(self, fs: Any = None, *, started: bool = True) -> Runner:
        """A runner of it, which has read what is there."""
        runner = Runner(self.data, fs=fs, clock=HeldClock(), notice=self.notices.append)
        if started:
            runner.start()
        return runner

    def save(self) -> Runner:
        """Let a new runner fold what is there, and save it."""
        runner = self.runner()
        runner.catch_up()
        runner.save()
        return runner

    def replayed(self) -> bytes:
        """What ``stats.json`` has to be by the log."""
        streams = self.data / "events"
        return replay([str(streams)], stdin=io.BytesIO()).snapshot.to_bytes()

    def kept(self) -> list[str]:
        """The names of copies that were put aside."""
        return sorted(p.name for p in self.data.iterdir() if p.name.startswith("stats.json."))

    def jobs(self) -> int:
        """How many jobs ``stats.json`` counts."""
        return int(json.loads(self.stats.read_bytes())["jobs_processed"])


def folder_with_log(data: Path) -> Folder:
    """Write the log, and nothing else."""
    append(segment(data), *LINES)
    return Folder(data)
