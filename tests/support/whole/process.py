"""A process on a data folder that dies at any step, and is followed by the model up to there.

A step is a call that changes something: of the queue, of the dead letters, of the file system.
Once dead it takes no further step, whatever code still runs on the way out.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.support.workers import Dies, Place, Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.filesystem import AppendFile, Lock
    from tests.support.whole.records import Outcome
    from tests.support.whole.site import Site

# All else that is called is a step, so that one that is added later is one too.
_READS = frozenset(
    {
        *("leases", "highest_lease_seq", "leased_streams", "marks", "counts", "is_paused"),
        *("list", "get", "highest_seq", "get_error_summary", "get_count", "close"),
        *("streams", "stream", "letters", "is_unmarked"),
        *("open_read", "list_folder", "exists", "is_folder", "size", "identity"),
    }
)


class Process(Place):
    """One process on a site's data folder, with what it holds.

    Args:
        site: The data folder and its model.
        segment_bytes: Size at which it begins a new segment of its log.

    Attributes:
        staged: The outcomes that it has recorded and not yet written; None: whatever it writes.
        steps: The names of the steps that were taken.
        trouble: What the disk refuses next, "write" or "sync", and the share that it writes.
    """

    def __init__(self, site: Site, *, segment_bytes: int = 1 << 20) -> None:
        # Not a place of its own: it shares the site's databases, as processes share files.
        self.site = site
        self.data = site.data
        self.clock = site.clock
        self.boot_id = site.boot_id
        self.redactor = site.place.redactor
        self.random = site.world.random
        self.told = Told()
        self.segment_bytes = segment_bytes
        self.staged: list[Outcome] | None = []
        self.steps: list[str] = []
        self.is_dead = False
        self._open: list[AppendFile] = []
        self._locks: list[Lock] = []
        self.plan(0, after=False)
        self.trouble: tuple[str, float] | None = None
        self.queue: Any = Steps(site.place.queue, self)
        self.letters: Any = Steps(site.place.letters, self)
        self.fs: Any = FileSteps(site.place.fs, self)

    def plan(self, dies_at: int | str, *, after: bool) -> None:
        """Let it die at the n-th step from now on (0: at none), or at the first of a name."""
        self._dies_at = dies_at
        self._after = after
        self._taken = 0

    def step(self, name: str, effect: Callable[[], Any], follow: Callable[[Any], None]) -> Any:
        """Take a step, and let the model follow; or die at it."""
        if self.is_dead:
            raise Dies
        self._taken += 1
        is_last = self._dies_at in {name, self._taken}
        if is_last and not self._after:
            self._die(f"before {name}")
        answer = effect()
        self.steps.append(name)
        follow(answer)
        if is_last:
            self._die(f"after {name}")
        return answer

    def meets(self, call: str) -> float | None:
        """Whether the disk refuses this call: then the share that is written all the same."""
        if self.trouble is None or self.trouble[0] != call:
            return None
        (_, share), self.trouble = self.trouble, None
        return share

    def _die(self, where: str) -> None:
        self.steps.append(where)
        self.end()
        raise Dies(where)

    def end(self) -> None:
        """Be gone, as after SIGKILL: files are closed and locks free."""
        self.is_dead = True
        for file in self._open:
            file.close()
        for lock in self._locks:
            lock.release()

    def holds(self, lock: Lock | None) -> Lock | None:
        if lock is not None:
            self._locks.append(lock)
        return lock

    def opened(self, file: AppendFile) -> None:
        self._open.append(file)


class Steps:
    """The queue or the dead letters, as a process uses them."""

    def __init__(self, inner: Any, process: Process) -> None:
        self._inner = inner
        self._process = process

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._inner, name)
        if name == "companions":
            return Steps(whole, self._process)
        if name in _READS or not callable(whole):
            return whole
        follow = getattr(self._process.site, f"on_{name}", None)

        def call(*args: Any, **options: Any) -> Any:
            if args == ([],):  # no letters to insert: no step of the protocol
                return whole(*args, **options)

            def told(answer: Any) -> None:
                if follow is not None:
                    follow(self._process, answer, *args, **options)

            return self._process.step(name, lambda: whole(*args, **options), told)

        return call


class FileSteps(Steps):
    """The file system, as a process uses it."""

    def open_append(self, path: Any) -> AppendFile:
        process, site = self._process, self._process.site
        is_new = not Path(path).exists()

        def told(file: AppendFile) -> None:
            process.opened(file)
            site.knows(Path(path), 0 if is_new else file.size())

        file = process.step("open_append", lambda: self._inner.open_append(path), told)
        return AppendSteps(Path(path), file, process)

    def lock(self, path: Any) -> Lock:
        lock = self._process.holds(self._inner.try_lock(path))
        assert lock is not None, f"{path} is waited for, though nobody will let it go"
        return lock

    def try_lock(self, path: Any) -> Lock | None:
        return self._process.holds(self._inner.try_lock(path))


class AppendSteps:
    """A file that a process appends to."""

    def __init__(self, path: Path, file: AppendFile, process: Process) -> None:
        self._path = path
        self._file = file
        self._process = process

    def write(self, data: bytes) -> None:
        process, begin = self._process, self._file.size()
        share = process.meets("write")
        part = data if share is None else data[: round(len(data) * share)]

        def write() -> None:
            self._file.write(part)

        def told(_: object) -> None:
            whole = part[: part.rfind(b"\n") + 1]
            process.site.on_write(process, self._path, begin, whole)

        process.step("write", write, told)
        if share is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def sync(self) -> None:
        site = self._process.site
        if self._process.meets("sync") is not None:
            site.sync_failed(self._path)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(self._path))
        self._process.step(
            "sync", self._file.sync, lambda _: site.is_synced(self._path, self._file.size())
        )

    def size(self) -> int:
        return self._file.size()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
