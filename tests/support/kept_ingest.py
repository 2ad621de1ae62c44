"""An ingestion that is kept on, with a watch whose looks are given, and a bound."""

from __future__ import annotations

import threading

from events.filesystem import REAL
from projections.ingest.ingestion import Ingestion
from projections.ingest.keeping import Keeping
from projections.ingest.state import State
from projections.ingest.store import StateStore
from tests.support.fake_watch import FakeWatch
from tests.support.held_clock import HeldClock
from tests.support.ingesting import SIDEKIQ


class Watch(FakeWatch):
    """Gives something at each look, then lets somebody stop what looks."""

    def __init__(self, *looks, undecided=0):
        super().__init__()
        self.looks = list(looks)
        self.undecided = undecided
        self.at_end = lambda: None

    def look(self):
        if self.looks:
            self.looks.pop(0)(self)
        else:
            self.at_end()
        yield from super().look()

    def wait_s(self):
        return 0.0

    def settle(self):
        self.undecided -= 1
        return self.undecided >= 0


class Site:
    def __init__(self, folder, watch, *, stdin=None, choice=SIDEKIQ):
        self.clock = HeldClock()
        self.store = StateStore(folder / "state", fs=REAL, clock=self.clock)
        self.said: list[str] = []
        self.problems: list[object] = []
        self.told: list[object] = []
        state = self.store.load() or State("ingest-1")
        self.ingestion = Ingestion(
            watch, self.store, state, choice, epoch="e", told=self.told.append
        )
        self.keeping = Keeping(
            self.ingestion,
            watch,
            clock=self.clock,
            stdin=stdin,
            failed=lambda error: self.said.append(str(error)),
            mended=lambda: self.said.append("mended"),
            problem=self.problems.append,
        )
        if stdin is None:
            watch.at_end = self.keeping.stop

    def follow(self, *, only_stdin):
        """Follow, with a bound: a loop that never ends would hang the whole run."""
        self._bounded(lambda: self.keeping.follow(only_stdin=only_stdin))

    def read_once(self):
        """Read once, likewise."""
        self._bounded(self.keeping.read_once)

    def _bounded(self, run):
        ended: list[Exception | None] = []

        def keep():
            try:
                run()
            except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                ended.append(error)
            else:
                ended.append(None)

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        thread.join(60)
        if not ended:
            self.keeping.stop()
            raise AssertionError("it does not end")
        if ended[0] is not None:
            raise ended[0]

    @property
    def saved(self):
        state = self.store.load()
        return None if state is None else state.entries["ingest-1"].stats.jobs_processed
