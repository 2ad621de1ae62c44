"""Which rotated files were there before their log was followed: they are not read.

When a state searches for the first time, that is all that lie beside a log: it begins with what the
log's current file holds. Later a log that is new may have been rotated already, since the last
search or while nobody followed, so that its rotated files tell what it has, too. Those that were
written to since the last search are read; those that were not are of before, as at first: a log
that was named only now, or whose folder was brought from elsewhere.

The time of a file stands beside that of the search, and both may be inexact. In doubt a file is
read. Nothing counts twice by that: what was handed out is known by its content, whatever its name
and time, and a file that was found to be old stays so by its record. All that can happen is that
lines count which a log had a moment before it was named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.errors import EventsError
from events.follow.fingerprint import HEAD_BYTES, Meter, head_marks
from events.follow.open_files import MovedError
from events.follow.tracked import FileState

if TYPE_CHECKING:
    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.follow.open_files import OpenFiles
    from events.follow.roster import Roster
    from events.follow.tracked import Tracked

# FAT keeps times in steps of two seconds, others in ticks of up to ten milliseconds, rounded down.
_STEP_US = 2_000_000


class OldFiles:
    """Finds out what is old at each search, and notes it.

    Args:
        roster: The files.
        files: Opens them.
        fs: Where they are.
        clock: The wall clock, which the times of files are compared with, and the monotonic one.
        searched_us: When the run before began its last search; None: there was none, or nobody
            knows.

    Attributes:
        searched_us: When the last search began that was gone through, in microseconds since 1970.
    """

    def __init__(
        self,
        roster: Roster,
        files: OpenFiles,
        fs: FileSystem,
        clock: Clock,
        searched_us: int | None,
    ) -> None:
        self._roster = roster
        self._open = files
        self._fs = fs
        self._clock = clock
        self.searched_us = searched_us
        self._searched_ns: int | None = None  # the same by the monotonic clock, if it was here

    def begin(self) -> tuple[int, int]:
        """A search begins: what is written from now on, it may miss. Give that to `note`."""
        return self._clock.now_us(), self._clock.monotonic_ns()

    def note(self, begun: tuple[int, int], logs: set[str]) -> None:
        """A search was gone through: note what is old in logs that it found for the first time."""
        since_us = self._since_us(*begun)
        for file in [*self._roster.judged]:
            if file.log in logs and file.state is FileState.NEW and not file.named and file.places:
                if since_us is not None and self._may_be_written_since(file, since_us):
                    continue
                file.state = FileState.OLD
                self._roster.judged.pop(file, None)
                try:
                    self._note_head(file)
                except (MovedError, EventsError, OSError):
                    file.size = -1  # known by device and inode only, until it can be read
                self._open.close(file)
        self.searched_us, self._searched_ns = begun

    def _since_us(self, now_us: int, now_ns: int) -> int | None:
        """From when on what is written to a file is news; None: all that is there is old.

        A wall clock that was set back gives new files an old time. How far, the monotonic clock
        tells; between two runs nothing does, and no file is old by its time then.
        """
        if self.searched_us is None:
            return None
        if self._searched_ns is not None:
            passed_us = (now_ns - self._searched_ns) // 1000
            return min(self.searched_us, now_us - passed_us) - _STEP_US
        return self.searched_us - _STEP_US if self.searched_us <= now_us else 0

    def _may_be_written_since(self, file: Tracked, since_us: int) -> bool:
        try:
            return self._fs.status(file.path).mtime_ns >= since_us * 1000
        except OSError:  # it is gone again; whatever it was is seen when it is found
            return True

    def _note_head(self, file: Tracked) -> None:
        text = self._open.get(file)
        status = text.status()
        head = text.read_at(0, HEAD_BYTES)
        file.meter = Meter()
        file.meter.take(head)
        file.head = head_marks(head)
        file.saw(status)
