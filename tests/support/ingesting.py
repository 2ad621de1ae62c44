"""Runs of an ingestion in this process, on real files, with a clock that is moved."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.filesystem import REAL
from events.follow.watch import Watch
from projections.cli.formats import choice_of
from projections.ingest.finding import Finder
from projections.ingest.ingestion import Ingestion
from projections.ingest.state import State
from projections.ingest.store import StateStore

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from projections.choosing import Choice
    from projections.problems import Problem
    from projections.snapshot import Snapshot

_SETTLING = 50  # looks after which all is decided

AUTO = choice_of("auto", None, None)
SIDEKIQ = choice_of("sidekiq", None, None)


class MovedClock(SystemClock):
    """The wall clock of the files, and a monotonic one that is moved."""

    def __init__(self) -> None:
        self.ns = 0

    def monotonic_ns(self) -> int:
        return self.ns


class Site:
    """Paths that are ingested into one state, by one run after the other.

    Attributes:
        told: What was said of formats and files.
        problems: The invalid lines.
    """

    def __init__(
        self, state: Path, *paths: Path, choice: Choice = SIDEKIQ, epochs: str = "epoch"
    ) -> None:
        self.paths = [str(path) for path in paths]
        self.choice = choice
        self.told: list[str] = []
        self.problems: list[Problem] = []
        self.clock = MovedClock()
        self.store = StateStore(state, fs=REAL, clock=self.clock)
        self._names = (f"{epochs}-{number}" for number in count())

    def run(self, *, saves: bool = True) -> Snapshot:
        """Read what there is and save, or be killed before that."""
        for ingestion in self.running():
            if saves:
                ingestion.save()
            shown = ingestion.snapshot()
        return shown

    def look(self, ingestion: Ingestion) -> None:
        """Look some seconds later, when files are searched for again."""
        self.clock.ns += 3 * 10**9
        for _ in ingestion.look():
            pass

    def running(self) -> Generator[Ingestion]:
        """One run; give it once it has read all that there is."""
        state = self.store.load() or State("ingest-x")
        finder = Finder(self.paths, fs=REAL, choice=self.choice, follow=True)
        watch = Watch(
            finder,
            fs=REAL,
            clock=self.clock,
            records=state.files,
            follow=False,
            notice=self.told.append,
            searched_us=state.searched_us,
        )
        ingestion = Ingestion(
            watch,
            self.store,
            state,
            self.choice,
            epoch=next(self._names),
            told=self.told.append,
            problem=self.problems.append,
        )
        try:
            for _ in range(_SETTLING):
                for _ in ingestion.look():
                    pass
                if not watch.settle():
                    break
                self.clock.ns += 10**9
            yield ingestion
        finally:
            watch.close()
