"""What was asked for: sizes, rounds, and where files may be made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Asked:
    """How much is measured.

    Attributes:
        folder: Where logs and queues are made.
        lines: How many lines the log has that is replayed.
        large_lines: How many the larger log has, which few replay.
        slow_lines: How many the log of the slow peers has.
        pure_lines: How many the one that is replayed without the compiled part.
        growth: How many the logs have over which growth is shown.
        sealed: How many sealed segments the log has that is rebuilt.
        sealed_lines: How many lines each of them stands for.
        jobs: How many jobs our worker takes.
        peer_jobs: How many the other queues take, of which some sync for each.
        events: How many events are said in memory, and lines of other formats are folded.
        follow_s: How long followers are fed, in seconds; and as long watched while idle.
        rounds: How often each way is run.
        seed: Of everything random.
    """

    folder: Path
    lines: int = 1_000_000
    large_lines: int = 10_000_000
    slow_lines: int = 100_000
    pure_lines: int = 1_000_000
    growth: tuple[int, ...] = (1_000_000, 2_000_000, 5_000_000, 10_000_000)
    sealed: int = 10_000
    sealed_lines: int = 100_000
    jobs: int = 100_000
    peer_jobs: int = 2_000
    events: int = 50_000
    follow_s: float = 5.0
    rounds: int = 5
    seed: int = 7

    @property
    def logs(self) -> Path:
        """Where logs are kept from one call to the next."""
        return self.folder / "logs"

    def scratch(self) -> Path:
        """A folder for what one run makes, on the same disk."""
        scratch = self.folder / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return scratch
