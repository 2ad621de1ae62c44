"""A file system that halts its thread before each change, and knows what a power cut can take."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from events.filesystem import RealFileSystem
from events.log.stream import LOCK_NAME

if TYPE_CHECKING:
    from random import Random

    from events.filesystem import AppendFile, Lock
    from tests.support.halting import HaltingThread


class Power:
    """What of each segment is on the disk. (All other files are, when a call returns.)

    A sync that is told to have ended has; nothing is really synced, which would take time.
    """

    def __init__(self) -> None:
        self._synced: dict[Path, int] = {}
        self._dropped: set[Path] = set()

    def synced(self, path: Path) -> int:
        """How many bytes of a file a power cut leaves at least."""
        return self._synced.get(path, 0)

    def note(self, path: Any) -> None:
        """All that stands in a file now is on the disk; but for what was dropped."""
        if Path(path) not in self._dropped:
            self._synced[Path(path)] = Path(path).stat().st_size

    def drop(self, path: Path) -> None:
        """A sync has failed: what was not on the disk never will be, whatever is told later."""
        self._dropped.add(path)

    def write_again(self, path: Path, offset: int) -> None:
        """What stands there from ``offset`` on is not in memory alone any more after a sync."""
        if offset <= self.synced(path):
            self._dropped.discard(path)

    def has_dropped(self, folder: Path) -> bool:
        """Whether a sync of a file in a folder has failed, and that file was not written again."""
        return any(path.parent == folder for path in self._dropped)

    def renew(self, path: Any) -> None:
        """Another file stands there, all of it on the disk."""
        self._dropped.discard(Path(path))
        self.note(path)

    def cut(self, path: Path, left: int) -> None:
        """Leave so many bytes of a file after a power cut."""
        with path.open("rb+") as file:
            file.truncate(left)
        self.renew(path)

    def choices(self, path: Path, rng: Random) -> int:
        """How many bytes may be left, by chance: often in the midst of a line."""
        data = path.read_bytes()
        least = self.synced(path)
        ends = [at + 1 for at in range(least, len(data)) if data[at : at + 1] == b"\n"]
        torn = [rng.randint(least, len(data)) for _ in range(3)]
        return rng.choice([least, len(data), *torn, *ends[-2:]])


class Holders:
    """Which worker holds which stream's lock."""

    def __init__(self) -> None:
        self._by_stream: dict[str, int] = {}

    def of(self, stream: str) -> int:
        """The worker; -1 if there is none."""
        return self._by_stream.get(stream, -1)

    def take(self, stream: str, number: int, lock: Lock) -> Lock:
        """Note who holds a lock, until it is released."""
        self._by_stream[stream] = number
        return _Held(lock, self, stream)

    def let_go(self, stream: str) -> None:
        """Nobody holds it any more."""
        self._by_stream.pop(stream, None)


class _Held:
    def __init__(self, lock: Lock, holders: Holders, stream: str) -> None:
        self._lock = lock
        self._holders = holders
        self._stream = stream

    def release(self) -> None:
        self._holders.let_go(self._stream)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class HaltingFileSystem(RealFileSystem):
    """The real files; see the module.

    Args:
        thread: Who works on them.
        number: Of the worker.
        power: What is on the disk.
        holders: Who holds the streams' locks.
    """

    def __init__(self, thread: HaltingThread, number: int, power: Power, holders: Holders) -> None:
        self._thread = thread
        self._number = number
        self._power = power
        self._holders = holders
        self.fail_next_sync = False

    def open_append(self, path: Any) -> Any:
        return _HaltingFile(super().open_append(path), self, Path(path))

    def sync_appended(self, path: Path) -> None:
        """What `AppendFile.sync` does."""
        self._thread.halt(f"sync {path.name}")
        if self.fail_next_sync:
            self.fail_next_sync = False
            self._power.drop(path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        self._power.note(path)

    def write_appended(self, file: AppendFile, path: Path, data: bytes) -> None:
        """What `AppendFile.write` does."""
        self._thread.halt(f"write to {path.name}")
        file.write(data)

    def sync_file(self, path: Any) -> None:
        self._thread.halt(f"bring {Path(path).name} to disk")
        self._power.note(path)

    def sync_folder(self, path: Any) -> None:
        pass

    def write_again(self, path: Any, offset: int) -> None:
        self._thread.halt(f"write {Path(path).name} again")
        super().write_again(path, offset)
        self._power.write_again(Path(path), offset)

    def truncate(self, path: Any, size: int) -> None:
        self._thread.halt(f"cut {Path(path).name}")
        super().truncate(path, size)
        self._power.note(path)

    def write_new(self, path: Any, data: Any) -> None:
        self._thread.halt(f"make {Path(path).name}")
        super().write_new(path, data)

    def replace_file(self, path: Any, data: bytes, mode: int | None = None) -> None:
        self._thread.halt(f"replace {Path(path).name}")
        super().replace_file(path, data, mode)
        self._power.renew(path)

    def rename(self, source: Any, target: Any) -> None:
        self._thread.halt(f"rename {Path(source).name}")
        super().rename(source, target)

    def try_lock(self, path: Any) -> Any:
        self._thread.halt(f"lock {Path(path).parent.name}/{Path(path).name}")
        lock = super().try_lock(path)
        if lock is None or Path(path).name != LOCK_NAME:
            return lock
        return self._holders.take(Path(path).parent.name, self._number, lock)

    def lock(self, path: Any) -> Any:
        while (lock := self.try_lock(path)) is None:
            pass  # it halts at each try
        return lock


class _HaltingFile:
    def __init__(self, file: AppendFile, fs: HaltingFileSystem, path: Path) -> None:
        self._file = file
        self._fs = fs
        self._path = path

    def write(self, data: bytes) -> None:
        self._fs.write_appended(self._file, self._path, data)

    def sync(self) -> None:
        self._fs.sync_appended(self._path)

    def size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
