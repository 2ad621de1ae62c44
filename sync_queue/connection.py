"""The databases of the data folder: their connections, transactions and pragmas, over forks."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

from events.clock import SystemClock
from sync_queue.errors import QueueError
from sync_queue.lock_waits import LockWaits
from sync_queue.private_file import make_private_file
from sync_queue.schema import Schema
from sync_queue.sql import read_migrations
from sync_queue.sqlite_errors import explain, refuse_old_sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from events.clock import Clock

BUSY_TIMEOUT_S = 60.0
_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # in WAL mode: every commit is on disk before it is told
    "PRAGMA fullfsync = ON",  # macOS: past the drive's cache; elsewhere without effect
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA journal_size_limit = 67108864",  # one huge enqueue does not leave a huge WAL behind
)


class _Handle:
    """One process's connection and the lock under which it is used."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: sqlite3.Connection | None = None
        self.depth = 0  # > 0 while a thread is inside transaction() or read()


class Database:
    """One SQLite file of the data folder, in WAL mode, brought to the newest schema.

    It holds one connection, used by one thread at a time, so that neither threads nor calls
    add descriptors. A forked child closes what it inherited and opens its own: SQLite's locks
    do not survive a fork, and its table of them would claim that they do. (So of one file,
    a process that forks should have one object.)

    Args:
        path: The file; it and its folder are made when missing, for this user alone.
        application_id: Tells our file from those of other programs (SQLite header field).
        migrations: Folder of numbered scripts that lead from an empty file to the schema.
        clock: For the time spent waiting.
        busy_timeout_s: How long to wait for a lock that another process holds, in seconds.
        keep_open: False closes the connection after each use, for objects that nobody closes.
        unmarked_version: Asked about a non-empty file without an application id: which schema
            version a predecessor's file amounts to, None if it is not a predecessor's.
        sleep: Waits so many seconds.

    Raises:
        NewerDatabaseError: The file is of a newer version.
        ForeignDatabaseError: The file is some other program's database.
        QueueError: It cannot be opened, is no database, or stays locked too long.
    """

    def __init__(
        self,
        path: Path,
        *,
        application_id: int,
        migrations: Path,
        clock: Clock | None = None,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        keep_open: bool = True,
        unmarked_version: Callable[[sqlite3.Connection], int | None] | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        refuse_old_sqlite()
        self.path = path
        self._schema = Schema(application_id, read_migrations(migrations), unmarked_version)
        self._busy_timeout_s = busy_timeout_s
        self._waits = LockWaits(path, busy_timeout_s, clock or SystemClock(), sleep)
        self._keep_open = keep_open
        self._closed = False
        self._handles: dict[int, _Handle] = {}  # by process id: after a fork the parent's is there
        with self.read():
            pass  # opened, checked and migrated

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Later use raises `QueueError`; closing again does nothing."""
        self._closed = True
        own = self._handle()
        with own.lock:
            for handle in self._handles.values():
                if handle.depth == 0:  # else the thread that is inside closes it on its way out
                    self._drop(handle)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed and on disk when the block ends, undone if it raises.

        Begins with the write lock (``BEGIN IMMEDIATE``): one that begins by reading fails at
        once, whatever the timeout, when another process has written meanwhile.

        Yields:
            The connection, to be used inside the block alone.

        Raises:
            QueueError: Whatever SQLite refuses, in words; or a transaction inside another.
        """
        with self._connected() as (handle, connection):
            if handle.depth > 1:
                raise QueueError(
                    f"{self.path}: a transaction was begun inside another; end the first one before"
                )
            with self._run(connection, self._waits.begin_writing):
                yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Several reads of one state of the database; inside a transaction, a part of that.

        Yields:
            The connection, to be used inside the block alone.

        Raises:
            QueueError: Whatever SQLite refuses, in words.
        """
        with self._connected() as (handle, connection):
            if handle.depth > 1:
                yield connection
            else:
                with self._run(connection, _begin_reading):
                    yield connection

    @contextmanager
    def _run(
        self, connection: sqlite3.Connection, begin: Callable[[sqlite3.Connection], object]
    ) -> Iterator[None]:
        pid = os.getpid()
        begin(connection)
        try:
            yield
            self._refuse_fork_of(pid)
            connection.execute("COMMIT")
        except BaseException:
            if os.getpid() == pid and connection.in_transaction:
                with suppress(sqlite3.Error):  # the first error is the one to tell
                    connection.execute("ROLLBACK")
            raise

    def _refuse_fork_of(self, pid: int) -> None:
        if os.getpid() != pid:
            raise QueueError(
                f"{self.path}: the process was forked inside a transaction, which is the parent's"
                " alone; fork before it or after it"
            )

    @contextmanager
    def _connected(self) -> Iterator[tuple[_Handle, sqlite3.Connection]]:
        """This process's connection, for this thread alone, with SQLite's errors in words."""
        pid = os.getpid()
        handle = self._handle()
        with handle.lock:
            if self._closed and handle.depth == 0:
                raise QueueError(f"{self.path}: it has been closed; open it again to use it")
            handle.depth += 1
            try:
                self._drop_inherited()
                if handle.connection is None:
                    handle.connection = self._open()
                yield handle, handle.connection
            except sqlite3.Error as error:
                raise explain(error, self.path, self._busy_timeout_s) from error
            finally:
                if os.getpid() == pid:  # else a child forked in here, which takes no part in it
                    handle.depth -= 1
                    self._tidy(handle)

    def _tidy(self, handle: _Handle) -> None:
        """Drop a connection that nobody uses: at the end, or when its rollback failed."""
        connection = handle.connection
        if connection is None or handle.depth:
            return
        if self._closed or not self._keep_open or connection.in_transaction:
            self._drop(handle)

    def _handle(self) -> _Handle:
        return self._handles.setdefault(os.getpid(), _Handle())

    def _drop_inherited(self) -> None:
        """In a forked child: close the parent's connections, which here hold no locks."""
        if len(self._handles) == 1:
            return
        for pid, handle in list(self._handles.items()):
            if pid == os.getpid():
                continue
            if handle.depth:  # closing it would undo, in shared memory, what the parent writes
                raise QueueError(
                    f"{self.path}: this process was forked while its parent was using the"
                    " database; start it with `spawn`, or fork when nothing is running"
                )
            self._drop(handle)
            del self._handles[pid]

    @staticmethod
    def _drop(handle: _Handle) -> None:
        connection, handle.connection = handle.connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        make_private_file(self.path)
        connection = sqlite3.connect(
            self.path,
            timeout=self._busy_timeout_s,
            isolation_level=None,  # transactions are begun and ended here, by name
            check_same_thread=False,  # the lock sees to it
        )
        try:
            with self._run(connection, _begin_reading):
                # Refuses before anything is changed.
                version = self._schema.version(connection, self.path)
            self._waits.use_wal(connection)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            if version < self._schema.newest:
                with self._run(connection, self._waits.begin_writing):
                    self._schema.migrate(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection


def _begin_reading(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
