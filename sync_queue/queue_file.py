"""The file of the job queue: how it is opened and named, and how its statements are run."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from events.clock import SystemClock
from sync_queue.companions import Companions
from sync_queue.connection import BUSY_TIMEOUT_S, Database
from sync_queue.errors import QueueError
from sync_queue.sql import migrations_folder, read_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from events.clock import Clock

APPLICATION_ID: Final = 0x73737175
"""``ssqu`` in the file's header: tells our file from other programs'."""


class QueueFile:
    """`queue.db`, opened; `JobQueue`, which is the one to use, describes its arguments."""

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        *,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: os.urandom(8).hex(),
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self.path = Path(data_dir) / "queue.db"
        self._clock = clock or SystemClock()
        self._sql = read_queries("queue")
        self._database = Database(
            self.path,
            application_id=APPLICATION_ID,
            migrations=migrations_folder("queue"),
            clock=self._clock,
            busy_timeout_s=busy_timeout_s,
        )
        try:
            if self._find_id() is None:
                self._write("name_queue", new_id())  # unless another process was first
        except BaseException:
            self._database.close()
            raise
        self.companions = Companions(self._database, self._sql)

    @property
    def queue_id(self) -> str:
        """The file's random id: a queue that was lost and made anew is another one.

        It changes when the queue is found to be older than the log.
        """
        ((queue_id,),) = self._read("get_meta", "queue_id")
        return str(queue_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Later use raises `QueueError`; closing again does nothing."""
        self._database.close()

    def _find_id(self) -> str | None:
        found = self._read("get_meta", "queue_id")
        return found[0][0] if found else None

    def _read(self, name: str, *values: object) -> list[tuple[Any, ...]]:
        with self._bindable(), self._database.read() as connection:
            return connection.execute(self._sql[name], values).fetchall()

    def _write(self, name: str, *values: object) -> int:
        with self._bindable(), self._database.transaction() as connection:
            return connection.execute(self._sql[name], values).rowcount

    @contextmanager
    def _bindable(self) -> Iterator[None]:
        """Tell in words that a value has no place in the database."""
        try:
            yield
        except (OverflowError, UnicodeEncodeError) as error:
            raise QueueError(
                f"{self.path}: a number beyond 64 bits or text without UTF-8 was given ({error})"
            ) from error
