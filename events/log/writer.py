"""The one writer of a stream: whole lines, one write a batch, synced when it is asked to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from msgspec import UNSET

from events.clock import Clock, SystemClock, to_us
from events.codec import decode
from events.errors import EventsError, InvalidLineError, LogWriteError
from events.limits import MAX_LINE_BYTES
from events.log.segment import segment_name

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import AppendFile, FileSystem

SEGMENT_BYTES = 64 << 20
_FILE_MODE = 0o600


class StreamWriter:
    """Appends to the last segment of a stream, and begins the next when that one is full or old.

    Its caller holds the stream's lock, has recovered the stream, and uses it from one thread at a
    time. After any error it is poisoned: what the disk holds is not known then, and a second sync
    would answer for pages that the first has dropped. It writes nothing more; `renew` goes on.

    Args:
        folder: The stream's folder; it must exist, and be no symbolic link.
        next_seq: Number of the next line.
        fs: Where to write.
        segment_bytes: A segment that has reached this size, in bytes, is followed by a new one.
        segment_age_s: So is one whose first line is so many seconds old; None: whatever its age.
        clock: Tells the age.
        tail: First ``seq`` and size in bytes of the segment to go on with, if there is one.

    Attributes:
        next_seq: Number of the next line.
    """

    def __init__(
        self,
        folder: Path,
        *,
        next_seq: int,
        fs: FileSystem,
        segment_bytes: int = SEGMENT_BYTES,
        segment_age_s: float | None = None,
        clock: Clock | None = None,
        tail: tuple[int, int] | None = None,
    ) -> None:
        self.next_seq = next_seq
        self._folder = folder
        self._fs = fs
        self._segment_bytes = segment_bytes
        self._segment_age_s = segment_age_s
        self._clock = clock or SystemClock()
        self._tail = tail
        self._path: Path | None = None  # of the segment that was written to last
        self._file: AppendFile | None = None
        self._size = 0  # of the segment: all that was appended without an error
        self._synced = 0  # what of it is on the disk
        self._began_us: int | None = None
        self._unsynced: list[bytes] = []
        self._unsynced_seq = next_seq  # number of the first line that may not be on the disk
        self._poison: str | None = None

    @property
    def is_poisoned(self) -> bool:
        """Whether it takes nothing more: after an error, or closed."""
        return self._poison is not None

    def append(self, data: bytes, count: int) -> None:
        r"""Write lines that are whole and numbered from `next_seq`; durable after `sync`.

        Args:
            data: The lines, each with its ``\n``. They are remembered until they are on the disk,
                so that `renew` can write them again.
            count: How many they are.

        Raises:
            LogWriteError: Some of ``data`` may be in the log all the same; the writer is poisoned.
        """
        self.next_seq += count
        self._unsynced.append(data)
        self._refuse_if_poisoned()
        try:
            file = self._ready_file(self.next_seq - count)
            file.write(data)
        except (OSError, EventsError) as error:
            self._fail("append to", error)
        self._size += len(data)

    def sync(self) -> None:
        """Return when all that was appended is on disk: one sync, none if nothing is new.

        Raises:
            LogWriteError: What was appended since the last sync may be lost; the writer is
                poisoned.
        """
        self._refuse_if_poisoned()
        try:
            self._sync()
        except OSError as error:
            self._fail("sync", error)
        self._unsynced.clear()
        self._unsynced_seq = self.next_seq

    def renew(self) -> StreamWriter:
        """Give the writer that goes on after an error; this one is closed.

        What may not be on the disk is written again, the same lines with the same numbers, into a
        new segment. It is neither synced again where it stands nor read back: after a failed sync
        the system may show in memory what the disk has not, and call a second sync a success.
        Where a line then stands twice, it counts once. Can be called again if it fails.

        Raises:
            LogWriteError: The disk still refuses; nothing has become worse.
        """
        self.close()
        target, base = self._target()
        data = b"".join(self._unsynced)
        try:
            if self._path is not None and self._path != target:
                with suppress(FileNotFoundError):  # an earlier call sealed it, so it may be packed
                    self._cut_torn_line(self._path)
            if data:
                data = self._beginning(target, base) + data
                self._fs.replace_file(target, data, mode=_FILE_MODE)
        except (OSError, EventsError) as error:
            raise self._error("write again what was not synced of", error) from error
        return StreamWriter(
            self._folder,
            next_seq=self.next_seq,
            fs=self._fs,
            segment_bytes=self._segment_bytes,
            segment_age_s=self._segment_age_s,
            clock=self._clock,
            tail=(self._unsynced_seq, len(data)) if data else None,
        )

    def _target(self) -> tuple[Path, int]:
        """The segment for what is not synced; how many bytes stand there before (of no number)."""
        target = self._folder / segment_name(self._unsynced_seq)
        if self._path == target:
            return target, self._synced
        if self._tail is not None and self._tail[0] == self._unsynced_seq:
            return target, self._tail[1]
        return target, 0

    def _beginning(self, path: Path, size: int) -> bytes:
        if not size:
            return b""
        with self._fs.open_read(path) as file:
            return file.read(size)

    def close(self) -> None:
        """Give the file back; what was not synced is left to the system. Again: no effect."""
        file, self._file = self._file, None
        if self._poison is None:
            self._poison = f"the writer of {self._folder} is closed"
        if file is not None:
            file.close()

    def _ready_file(self, seq: int) -> AppendFile:
        """The file that takes the line with this number: open, not yet full, and not old."""
        if self._file is not None and self._size < self._segment_bytes and not self._is_old():
            return self._file
        if self._file is not None:
            self._sync()
            del self._unsynced[:-1]  # all but what is to be written now
            self._unsynced_seq = seq
            file, self._file = self._file, None
            file.close()
        if not self._fs.is_folder(self._folder):
            raise EventsError("no folder is there, or only a symbolic link to one")
        tail = self._tail
        if tail is None or (tail[0] != seq and self._is_full_or_old(tail)):
            tail = (seq, 0)
        path = self._folder / segment_name(tail[0])
        file = self._fs.open_append(path)
        size = file.size()
        if size != tail[1]:
            file.close()
            raise EventsError(
                f"{path.name} has {size} bytes, not {tail[1]}: somebody else wrote to it; "
                "see who does, then start again"
            )
        self._tail, self._path, self._file = None, path, file
        self._size = self._synced = size
        if size == 0:
            self._fs.sync_folder(self._folder)
            self._began_us = self._clock.now_us()
        return file

    def _is_full_or_old(self, tail: tuple[int, int]) -> bool:
        """Whether a segment that was found is to be left; never where the next has its name."""
        if tail[1] >= self._segment_bytes:
            return True
        if self._segment_age_s is None or tail[1] == 0:
            return False
        self._began_us = self._first_us(self._folder / segment_name(tail[0]))
        return self._is_old()

    def _is_old(self) -> bool:
        if self._segment_age_s is None or self._began_us is None:
            return False
        now_us = self._clock.now_us()
        self._began_us = min(self._began_us, now_us)  # set back: from now on, not from then
        return now_us - self._began_us >= self._segment_age_s * 1e6

    def _first_us(self, path: Path) -> int | None:
        """When a segment's first line was written, as it says; None if it does not."""
        with self._fs.open_read(path) as file:
            line = file.readline(MAX_LINE_BYTES)
        try:
            timestamp = decode(line.rstrip(b"\n")).timestamp
        except InvalidLineError:
            return None
        return None if timestamp is UNSET else to_us(timestamp)

    def _sync(self) -> None:
        if self._file is not None and self._synced < self._size:
            self._file.sync()
            self._synced = self._size

    def _cut_torn_line(self, path: Path) -> None:
        """Cut off the unfinished line that a failed write has left: it is written again, whole."""
        torn = self._fs.size(path) - self._size
        if torn > 0:  # of the newest data, which alone can have failed
            whole = self._unsynced_part(torn).rfind(b"\n") + 1
            if whole < torn:
                self._fs.truncate(path, self._size + whole)

    def _unsynced_part(self, size: int) -> bytes:
        """So many bytes that were written after `_size`: the write that failed."""
        data = b"".join(self._unsynced)
        begin = self._size - self._synced
        return data[begin : begin + size]

    def _refuse_if_poisoned(self) -> None:
        if self._poison is not None:
            raise LogWriteError(self._poison)

    def _fail(self, doing: str, error: Exception) -> NoReturn:
        failure = self._error(doing, error)
        self._poison = str(failure)
        raise failure from error

    def _error(self, doing: str, error: Exception) -> LogWriteError:
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        return LogWriteError(f"cannot {doing} the log in {self._folder}: {why}")
