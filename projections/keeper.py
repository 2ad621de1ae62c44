"""A thread that keeps ``stats.json`` current while a worker runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from projections.problems import nothing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.filesystem import FileSystem, Lock
    from projections.compressing import Compressor
    from projections.runner import Runner
    from projections.summaries.summariser import Summariser

SAVE_EVERY_S = 1.0


class Keeper:
    """Keeps one data folder's snapshot current, unless another process does.

    Who holds ``runner.lock`` keeps it; the others stand by and take over when that one ends.

    Args:
        data: The data folder.
        runner: What folds and saves; nobody else uses it.
        fs: For the lock.
        failed: Told, once until it succeeds again, of an error that keeps the snapshot from being
            saved. Jobs go on meanwhile.
        mended: Called when it has succeeded again.
        compressor: Compresses what was folded, after each save; None: nothing is compressed.
        summariser: Sums up what was folded, after that; None: nothing is.
        every_s: Seconds between two saves.
    """

    def __init__(
        self,
        data: Path,
        runner: Runner,
        *,
        fs: FileSystem,
        failed: Callable[[Exception], None] = nothing,
        mended: Callable[[], object] = lambda: None,
        compressor: Compressor | None = None,
        summariser: Summariser | None = None,
        every_s: float = SAVE_EVERY_S,
    ) -> None:
        self._lock_path = data / "runner.lock"
        self._runner = runner
        self._fs = fs
        self._failed = failed
        self._mended = mended
        self._compressor = compressor
        self._summariser = summariser
        self._every_s = every_s
        self._lock: Lock | None = None
        self._started = False
        self._told = False
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="stats", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def _work(self) -> None:
        while not self._end.wait(self._every_s):
            self.step()

    def step(self) -> None:
        """Save what is new, if this is the keeper or becomes it now."""
        self._try(last=False)

    def _try(self, *, last: bool) -> None:
        try:
            if self._lock is None:
                self._lock = self._fs.try_lock(self._lock_path)
            if self._lock is not None or last:
                self._keep()
            if self._lock is not None and not last:
                self._keep_house()
        except Exception as error:  # noqa: BLE001  # whatever it is, jobs go on without stats
            if not self._told:
                self._told = True
                self._failed(error)

    def _keep_house(self) -> None:
        saved = self._runner.snapshot
        if self._compressor is not None:
            self._compressor.step(saved, self._end.is_set)
        if self._summariser is not None:
            self._summariser.step(saved)

    def _keep(self) -> None:
        if not self._started:
            self._runner.start()
            self._started = True
        self._runner.catch_up()
        self._runner.save()
        if self._told:
            self._told = False
            self._mended()

    def close(self) -> None:
        """Fold and save what the worker wrote last, and end. Again: the same.

        Also where another process keeps the snapshot: that one may be ending just now, and
        takes over what is saved here at its next save.
        """
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        self._try(last=True)
        if self._lock is not None:
            self._lock.release()
            self._lock = None
