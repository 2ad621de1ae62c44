"""Waiting for locks of other processes where SQLite does not wait, or asks too rarely."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync_queue.errors import QueueError
from sync_queue.sqlite_errors import is_busy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.clock import Clock

_PAUSE_S = 0.005  # between two tries to take the write lock, on average


@dataclass(frozen=True)
class LockWaits:
    """How long the locks of one file are waited for.

    Attributes:
        path: The file, for messages.
        busy_timeout_s: How long to wait, in seconds.
        clock: For the time spent waiting.
        sleep: Waits so many seconds.
    """

    path: Path
    busy_timeout_s: float
    clock: Clock
    sleep: Callable[[float], object]

    def begin_writing(self, connection: sqlite3.Connection) -> None:
        """Take the write lock.

        SQLite's own wait asks ten times a second. A process that writes without a pause leaves
        gaps of microseconds, so among a dozen of them one that asks so rarely waits for half a
        minute and longer. Asked more often, at random, it comes to its turn.

        Raises:
            sqlite3.OperationalError: It is held for too long, or cannot be taken.
        """
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            waited_s = 0.0
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    if not is_busy(error) or waited_s >= self.busy_timeout_s:
                        raise
                else:
                    return
                pause_s = _PAUSE_S * (0.5 + random.random())  # noqa: S311 - spreads waits, hides nothing
                self.sleep(pause_s)
                waited_s += pause_s
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self.busy_timeout_s * 1000)}")

    def use_wal(self, connection: sqlite3.Connection) -> None:
        """Switch to WAL. SQLite does not always wait for other openers here, so this does.

        Raises:
            sqlite3.OperationalError: The file stays locked for too long.
            QueueError: The file system has no WAL.
        """
        deadline_ns = self.clock.monotonic_ns() + int(self.busy_timeout_s * 1e9)
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or self.clock.monotonic_ns() >= deadline_ns:
                    raise
                self.sleep(0.01)
                continue
            if mode != "wal":
                raise QueueError(
                    f"{self.path}: SQLite cannot use a write-ahead log here (it stays in mode"
                    f" {mode!r}); keep the data folder on a local disk"
                )
            return
