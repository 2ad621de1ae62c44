"""Locks between processes and threads: POSIX record locks, and a registry of those held here.

Record locks, because the kernel frees them when their process dies and a forked child does not keep
them (it keeps a ``flock``). Their two traps are what the registry is for: they do not exclude
threads of one process, and closing *any* descriptor of the file lets them go. So while this process
holds a file's lock, no second descriptor of that file is opened here.

A lock file is made once (mode 0600) and never deleted: whoever locked a deleted file would be alone
with it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from events.errors import EventsError
from events.filesystem.descriptors import open_above

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from types import TracebackType

    from events.filesystem.protocol import StrPath

_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # Python adds O_CLOEXEC
_DEADLOCK_PAUSE_S = 0.01
_Key = tuple[int, int]


class _Entry:
    """A lock file that this process holds, or that one of its threads waits for."""

    def __init__(self, descriptor: int) -> None:
        self.descriptors = [descriptor]


class RecordLock:
    """A lock of this process. Not re-entrant; any thread may release it."""

    def __init__(self, registry: _Registry, key: _Key, entry: _Entry) -> None:
        self._registry = registry
        self._key = key
        self._entry = entry

    def release(self) -> None:
        """Let go. Again, or in a forked child (which holds nothing): no effect."""
        self._registry.release(self._key, self._entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class _Registry:
    """The lock files of this process, by device and inode."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._entries: dict[_Key, _Entry] = {}
        self._watches_forks = False

    def acquire(self, path: StrPath, *, wait: bool) -> RecordLock | None:
        """Take the lock; ``None`` if it is not free and the caller does not wait."""
        while True:
            with self._free:
                if _key_of(path) in self._entries:
                    if not wait:
                        return None
                    self._free.wait()
                    continue
                descriptor = _open(path, os.O_RDWR | os.O_CREAT)
                key = self._adopt(descriptor)
                if key is None:
                    continue
                entry = self._entries[key] = _Entry(descriptor)
                try:
                    self._watch_forks()
                    taken = _lockf(descriptor, path, wait=False)
                except BaseException:
                    self.release(key, entry)
                    raise
                if not taken and not wait:
                    self.release(key, entry)
                    return None
            if not taken:
                try:  # outside the guard: it may take long, and others lock other files
                    _lockf(descriptor, path, wait=True)
                except BaseException:
                    self.release(key, entry)
                    raise
            return RecordLock(self, key, entry)

    def release(self, key: _Key, entry: _Entry) -> None:
        """Forget the entry and close its file, which frees the lock."""
        with self._free:
            if self._entries.get(key) is not entry:
                return
            del self._entries[key]
            for descriptor in entry.descriptors:
                os.close(descriptor)
            self._free.notify_all()

    def _adopt(self, descriptor: int) -> _Key | None:
        """The key of a file just opened; ``None`` if it turned out to be one that is held here.

        The path was given to another file since it was looked at. Closing the descriptor now would
        let the lock go, so it is kept until that lock is released.
        """
        status = os.fstat(descriptor)
        key = (status.st_dev, status.st_ino)
        entry = self._entries.get(key)
        if entry is None:
            return key
        entry.descriptors.append(descriptor)
        return None

    def _watch_forks(self) -> None:
        if not self._watches_forks:
            os.register_at_fork(after_in_child=self._after_fork)
            self._watches_forks = True

    def _after_fork(self) -> None:
        """In a forked child: it holds none of the locks, and another thread may hold the guard.

        The inherited descriptors are closed now, which frees nothing of the parent's. Closing one
        when the child has taken the lock itself would free that.
        """
        entries = self._entries
        self._free = threading.Condition()
        self._entries = {}
        for entry in entries.values():
            for descriptor in entry.descriptors:
                os.close(descriptor)


_REGISTRY = _Registry()  # process-wide like the locks themselves; the kernel knows them by process


def lock(path: StrPath) -> RecordLock:
    """Take the lock that the file stands for; wait while another process or thread has it.

    Args:
        path: The lock file, made with mode 0600 where missing; its folder must exist.

    Raises:
        EventsError: A symbolic link or no regular file; no locks on this system.
        OSError: The file cannot be opened.
    """
    taken = _registry().acquire(path, wait=True)
    if taken is None:
        raise AssertionError
    return taken


def try_lock(path: StrPath) -> RecordLock | None:
    """Take the lock if it is free, else ``None`` at once. Raises as `lock` does."""
    return _registry().acquire(path, wait=False)


def _registry() -> _Registry:
    if sys.platform == "win32":
        raise EventsError("no record locks on Windows: workers run on Linux and macOS only")
    return _REGISTRY


def _key_of(path: StrPath) -> _Key | None:
    """Device and inode by name alone: opening the file could free the lock (see above)."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _open(path: StrPath, flags: int) -> int:
    try:
        descriptor = open_above(path, flags | _FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise EventsError(
                f"the lock file {os.fspath(path)} is a symbolic link: remove it"
            ) from error
        if error.errno in {errno.EISDIR, errno.ENXIO, errno.EOPNOTSUPP}:  # a folder, a socket
            raise EventsError(
                f"the lock file {os.fspath(path)} is no regular file: remove it"
            ) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise EventsError(f"the lock file {os.fspath(path)} is no regular file: remove it")
    return descriptor


def _lockf(descriptor: int, path: StrPath, *, wait: bool) -> bool:
    """Ask the kernel for the lock; ``False`` if it is not free and the caller does not wait."""
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not wait and error.errno in {errno.EACCES, errno.EAGAIN}:
                return False
            if error.errno == errno.EDEADLK:
                # The kernel sees processes, not threads, and so finds circles that are none.
                time.sleep(_DEADLOCK_PAUSE_S)
                continue
            if error.errno == errno.ENOLCK:
                raise EventsError(
                    f"no lock can be had on {os.fspath(path)}: is it on a network file system?"
                ) from error
            raise
        return True
