"""The file that a snapshot is kept in: ``stats.json`` of a data folder."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING

from events.calls import call
from events.clock import format_timestamp
from events.errors import EventsError
from projections.errors import ProjectionError, SnapshotError
from projections.snapshot import Snapshot, parse_snapshot, read_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem, Lock

FILE_MODE = 0o600


class SnapshotStore:
    """Reads and atomically replaces one snapshot file.

    Who writes holds ``lock()``, for as long as the write takes and no longer.
    """

    def __init__(self, data: Path, *, fs: FileSystem, clock: Clock) -> None:
        self.path = data / "stats.json"
        self._lock_path = data / "stats.lock"
        self._fs = fs
        self._clock = clock

    def lock(self) -> Lock:
        """Wait for the right to replace the file."""
        return self._fs.lock(self._lock_path)

    def read(self) -> bytes | None:
        """The file's bytes; None when there is none.

        Raises:
            SnapshotError: Something stands there that is no file.
            ProjectionError: It cannot be read; that says nothing of what it holds.
        """
        try:
            with self._fs.open_read(self.path) as file:
                return read_snapshot(file, str(self.path))
        except FileNotFoundError:
            return None
        except EventsError as error:
            raise SnapshotError(f"{self.path} cannot be read: {error}") from error
        except OSError as error:
            raise ProjectionError(f"{self.path} cannot be read: {error.strerror}") from error

    def load(self) -> Snapshot | None:
        """The snapshot; None when there is none, or the file is empty.

        Raises:
            SnapshotError: The file is damaged, foreign, or of another version.
            ProjectionError: It cannot be read.
        """
        data = self.read()
        return self.parse(data) if data else None

    def parse(self, data: bytes) -> Snapshot:
        """The snapshot in what was read.

        Raises:
            SnapshotError: It is damaged, foreign, or of another version.
        """
        mend = f"make it anew from its log with {call('rebuild', self.path.parent)}"
        return parse_snapshot(data, str(self.path), mend=mend, instead=mend)

    def set_aside(self, why: str) -> Path:
        """Keep what stands there under another name, ``stats.json.<why>-<time>``; return that.

        The caller holds the lock.
        """
        aside = self._aside(why)
        self._fs.rename(self.path, aside)
        return aside

    def copy_aside(self, why: str) -> Path | None:
        """Keep a copy under such a name, and return that; None when there is no file.

        The caller holds the lock.
        """
        data = self.read()
        if data is None:
            return None
        aside = self._aside(why)
        self._fs.write_new(aside, data)
        return aside

    def _aside(self, why: str) -> Path:
        """A name that nothing has: what was kept before stays, also where the clock stands."""
        stamp = format_timestamp(self._clock.now_us()).replace(":", "")
        name = f"{self.path.name}.{why}-{stamp}"
        taken = set(self._fs.list_folder(self.path.parent))
        numbers = (f"{name}-{number}" for number in count(2))
        return self.path.with_name(next(n for n in chain([name], numbers) if n not in taken))

    def replace(self, data: bytes) -> None:
        """Put ``data`` in the file's place, durably, all or nothing; the caller holds the lock."""
        self._fs.replace_file(self.path, data, mode=FILE_MODE)
