"""The file that a snapshot is kept in: ``stats.json`` of a data folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.clock import format_timestamp
from events.errors import EventsError
from projections.errors import SnapshotError
from projections.snapshot import Snapshot, parse_snapshot

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
            SnapshotError: It cannot be read.
        """
        try:
            with self._fs.open_read(self.path) as file:
                return file.read()
        except FileNotFoundError:
            return None
        except (OSError, EventsError) as error:
            raise SnapshotError(f"{self.path} cannot be read: {error}") from error

    def load(self) -> Snapshot | None:
        """The snapshot; None when there is none, or the file is empty.

        Raises:
            SnapshotError: The file is damaged, foreign, or of another version.
        """
        data = self.read()
        return parse_snapshot(data, str(self.path)) if data else None

    def set_aside(self, why: str) -> Path:
        """Keep the file under another name, ``stats.json.<why>-<time>``, and return that."""
        aside = self._aside(why)
        self._fs.rename(self.path, aside)
        return aside

    def copy_aside(self, why: str) -> Path:
        """Keep a copy of the file under such a name, and return that."""
        aside = self._aside(why)
        self._fs.write_new(aside, self.read() or b"")
        return aside

    def _aside(self, why: str) -> Path:
        stamp = format_timestamp(self._clock.now_us()).replace(":", "")
        return self.path.with_name(f"{self.path.name}.{why}-{stamp}")

    def replace(self, data: bytes) -> None:
        """Put ``data`` in the file's place, durably, all or nothing; the caller holds the lock."""
        self._fs.replace_file(self.path, data, mode=FILE_MODE)
