"""The file of a state: who may write it, reading it, and replacing it."""

from __future__ import annotations

import os
import stat
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from events.clock import format_timestamp
from events.errors import EventsError
from projections.errors import SaveError, SnapshotError, StateError
from projections.ingest.state import parse_state
from projections.snapshot import read_snapshot

if TYPE_CHECKING:
    from events.clock import Clock
    from events.filesystem import FileSystem, Lock
    from projections.ingest.state import State

_MODE = 0o600


class StateStore:
    """Reads and atomically replaces one state file; only who holds its lock writes.

    Args:
        path: The file; where it is a link, the file that it leads to.
        fs: Where it is.
        clock: Names what is kept aside.
    """

    def __init__(self, path: Path, *, fs: FileSystem, clock: Clock) -> None:
        self.path = Path(os.path.realpath(path)) if path.is_symlink() else path
        self._fs = fs
        self._clock = clock

    def lock(self) -> Lock:
        """Take the right to write the file, for as long as this process goes on with it.

        Raises:
            StateError: Another process has it, or it is no name of a file, or of no regular one.
        """
        if not self.path.name:
            raise StateError(f"{str(self.path)!r} is no name of a file: name one with --state")
        if self._is_something_else():  # nothing is to be laid beside /dev/null
            raise StateError(f"{self.path} is no regular file: name another one with --state")
        held = self._fs.try_lock(self.path.with_name(f"{self.path.name}.lock"))
        if held is None:
            raise StateError(
                f"another 'syncstats ingest' keeps {self.path}: let it go on, or name another file "
                "with --state"
            )
        return held

    def _is_something_else(self) -> bool:
        try:
            return not self._fs.status(self.path).regular
        except (FileNotFoundError, NotADirectoryError):
            return False

    def load(self) -> State | None:
        """The state; None where there is no file yet, or an empty one.

        Raises:
            StateError: It is no state, damaged, or of another version.
            OSError: It cannot be read; that says nothing of what it holds.
        """
        try:
            with self._fs.open_read(self.path) as file:
                data = read_snapshot(file, str(self.path))
        except FileNotFoundError:
            return None
        except EventsError as error:  # a folder, a pipe
            raise StateError(f"{error} with --state") from error
        except SnapshotError as error:
            raise StateError(str(error)) from error
        return parse_state(data, str(self.path)) if data else None

    def set_aside(self) -> Path:
        """Keep what stands there under another name, ``FILE.corrupt-<time>``; give that."""
        stamp = format_timestamp(self._clock.now_us()).replace(":", "")
        name = f"{self.path.name}.corrupt-{stamp}"
        taken = set(self._fs.list_folder(self.path.parent))
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        aside = self.path.with_name(next(each for each in names if each not in taken))
        self._fs.rename(self.path, aside)
        self._fs.sync_folder(self.path.parent)
        return aside

    def save(self, data: bytes) -> None:
        """Put a state in the file's place, durably, all or nothing.

        It may hold text of lines that wait for their rest: it is made for its user alone, and what
        stands there keeps its mode.

        Raises:
            SaveError: It cannot be written; what stood there stands.
        """
        try:
            self._fs.replace_file(self.path, data, self._mode())
        except OSError as error:
            raise SaveError(f"{self.path} cannot be saved: {error.strerror or error}") from error

    def _mode(self) -> int:
        try:
            return stat.S_IMODE(self.path.stat().st_mode)
        except FileNotFoundError:
            return _MODE
