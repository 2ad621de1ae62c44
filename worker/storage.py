"""When the data folder cannot be written to: telling it from other errors, and waiting it out.

A full disk, a quota, a folder that became read-only, or a failed sync is no fault of the jobs, and
may be mended while the worker waits. So nothing is acknowledged meanwhile, and nothing is given up.

Sources: errno(3) of the Linux manual; SQLite's result codes, https://sqlite.org/rescode.html.
"""

from __future__ import annotations

import errno
import sqlite3
from typing import TYPE_CHECKING

from worker.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.clock import Clock
    from worker.options import WorkerOptions
    from worker.stopping import StopRequest

_SYSTEM = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,  # a limit of the process, or of the file system
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.ETIMEDOUT,
    }
)
_SQLITE = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }
)
_PRIMARY = 0xFF  # an extended result code says the primary one in its lowest byte
_SLICE_S = 0.05  # a stop is heard within this time


def is_storage_trouble(error: BaseException) -> bool:
    """Whether an error comes from a place that cannot be written to just now.

    It is told by the error that the system, or SQLite, gave as the cause.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause.errno in _SYSTEM
        if isinstance(cause, sqlite3.Error):
            code = getattr(cause, "sqlite_errorcode", None)
            return code is not None and code & _PRIMARY in _SQLITE
        cause = cause.__cause__
    return False


class Patience:
    """Waits between tries to write, says so once, and gives up when it is time to.

    With `WorkerOptions.drain` that is after `WorkerOptions.give_up_s`; when a stop is asked for,
    after the grace; else never.

    Args:
        options: How long to wait.
        clock: The monotonic clock measures it.
        stop: Ends a wait.
        notice: Told of the trouble once, and once of its end.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        options: WorkerOptions,
        *,
        clock: Clock,
        stop: StopRequest,
        notice: Callable[[str], None],
        sleep: Callable[[float], object],
    ) -> None:
        self._options = options
        self._clock = clock
        self._stop = stop
        self._notice = notice
        self._sleep = sleep
        self._since_ns: int | None = None
        self._stopping_since_ns: int | None = None

    def wait(self, error: Exception) -> None:
        """Wait until it is worth another try.

        Args:
            error: Why the last one failed; raised again where it is no `is_storage_trouble`.

        Raises:
            StorageError: It has lasted too long.
        """
        if not is_storage_trouble(error):
            raise error
        now_ns = self._clock.monotonic_ns()
        if self._since_ns is None:
            self._since_ns = now_ns
            self._notice(
                f"{error}; no job is taken until that is mended: it is tried again every "
                f"{self._options.storage_retry_s:g} s, and what has ended is kept until then"
            )
        self._pause(now_ns)
        waited_s = (self._clock.monotonic_ns() - self._since_ns) / 1e9
        if self._is_over(self._since_ns):
            raise StorageError(
                f"given up after {waited_s:.0f} s: {error}; mend that, then start again: what is "
                "not in the log is done again"
            ) from error

    def _pause(self, begin_ns: int) -> None:
        end_ns = begin_ns + round(self._options.storage_retry_s * 1e9)
        asked = self._stop.asked
        while self._clock.monotonic_ns() < end_ns and self._stop.asked == asked:
            self._sleep(_SLICE_S)

    def _is_over(self, since_ns: int) -> bool:
        now_ns = self._clock.monotonic_ns()
        if self._stop.at_once:
            return True
        if self._stop.asked:
            if self._stopping_since_ns is None:
                self._stopping_since_ns = now_ns
            return now_ns - self._stopping_since_ns >= self._options.grace_s * 1e9
        lasted_s = (now_ns - since_ns) / 1e9
        return self._options.drain and lasted_s >= self._options.storage_give_up_s

    def mended(self) -> bool:
        """Note that a write has succeeded; say whether there was trouble before."""
        if self._since_ns is None:
            return False
        waited_s = (self._clock.monotonic_ns() - self._since_ns) / 1e9
        if not self._stop.asked:  # else what was tried may have been left out
            self._notice(
                f"the data folder can be written to again, after {waited_s:.0f} s: work goes on"
            )
        self._since_ns = None
        return True
