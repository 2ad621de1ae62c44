"""A data folder that is pruned: which segments it has, and how large they are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from projections.prune import prune
from projections.replay import replay
from tests.support.held_clock import HeldClock
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import BEGIN_US, failed, opened, succeeded

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem
    from projections.pruned import Keep, Pruned

DAY: Final = 86_400
"""In seconds."""


def at_day(day: float) -> HeldClock:
    """A clock that shows so many days after the first event."""
    return HeldClock(BEGIN_US + int(day * DAY * 1_000_000))


def on(day: float, number: int) -> dict[str, float]:
    """When an event was: so many seconds after the begin of a day."""
    return {"at": day * DAY + number}


def replayed(data: Path) -> bytes:
    """What stats.json has to be by the log."""
    return replay([str(data)], stdin=io.BytesIO()).snapshot.to_bytes()


class Folder:
    """A data folder with a segment of ten lines for each day, of streams a and b.

    Attributes:
        leased: The smallest ``lease_seq`` of each stream that has leased jobs.
        notices: What prunes told.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.leased: dict[str, int] = {}
        self.notices: list[str] = []
        for day in range(5):
            self.write("a", day)
        for day in range(2, 4):
            self.write("b", day)

    def write(self, stream: str, day: int) -> Path:
        """A segment of one day; its first seq is ten times the day."""
        first = day * 10
        opening = opened(first, f"e{day}", stream)
        lines = [succeeded(first + n, stream, **on(day, n)) for n in range(1, 9)]
        return append(
            segment(self.data, stream, first),
            opening,
            *lines,
            failed(first + 9, stream, **on(day, 9)),
        )

    def prune(
        self,
        keep: Keep | None = None,
        *,
        day: float = 10,
        fs: FileSystem | None = None,
        **options: Any,
    ) -> Pruned:
        return prune(
            self.data,
            keep,
            lease_seq=self.leased.get,
            clock=at_day(day),
            fs=fs,
            notice=self.notices.append,
            **options,
        )

    def names(self, stream: str = "a") -> list[str]:
        """Files of a stream, but for its lock."""
        return sorted(
            path.name for path in (self.data / "events" / stream).iterdir() if path.name != "lock"
        )

    def firsts(self, stream: str = "a") -> list[int]:
        """First seqs of a stream's segments."""
        return [int(name[:20]) for name in self.names(stream) if name[0].isdigit()]

    def bytes(self) -> int:
        """Size of all segments."""
        return sum(path.stat().st_size for path in self.data.rglob("*.jsonl*"))
