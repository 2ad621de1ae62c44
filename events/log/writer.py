"""The one writer of a stream: whole lines, one write a batch, synced when it is asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from events.errors import EventsError, LogWriteError
from events.log.segment import segment_name

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import AppendFile, FileSystem

SEGMENT_BYTES = 64 << 20


class StreamWriter:
    """Appends to the last segment of a stream, and begins the next when that one is full.

    Its caller holds the stream's lock, has recovered the stream, and uses it from one thread at a
    time. After any error it is poisoned: what the disk holds is not known then, and a second sync
    would answer for pages that the first has dropped. It takes nothing more; recover and open anew.

    Args:
        folder: The stream's folder; it must exist, and be no symbolic link.
        next_seq: Number of the next line.
        fs: Where to write.
        segment_bytes: A segment that has reached this size, in bytes, is followed by a new one.
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
        tail: tuple[int, int] | None = None,
    ) -> None:
        self.next_seq = next_seq
        self._folder = folder
        self._fs = fs
        self._segment_bytes = segment_bytes
        self._tail = tail
        self._file: AppendFile | None = None
        self._size = 0
        self._unsynced = False
        self._poison: str | None = None

    def append(self, data: bytes, count: int) -> None:
        r"""Write lines that are whole and numbered from `next_seq`; durable after `sync`.

        Args:
            data: The lines, each with its ``\n``.
            count: How many they are.

        Raises:
            LogWriteError: Some of ``data`` may be in the log all the same; the writer is poisoned.
        """
        self._refuse_if_poisoned()
        try:
            file = self._ready_file()
            file.write(data)
        except (OSError, EventsError) as error:
            self._fail("append to", error)
        self._size += len(data)
        self._unsynced = True
        self.next_seq += count

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

    def close(self) -> None:
        """Give the file back; what was not synced is left to the system. Again: no effect."""
        file, self._file = self._file, None
        if self._poison is None:
            self._poison = f"the writer of {self._folder} is closed"
        if file is not None:
            file.close()

    def _ready_file(self) -> AppendFile:
        """The file that takes the next line: open, and not yet full."""
        if self._file is not None and self._size < self._segment_bytes:
            return self._file
        if self._file is not None:
            self._sync()
            file, self._file = self._file, None
            file.close()
        if not self._fs.is_folder(self._folder):
            raise EventsError("no folder is there, or only a symbolic link to one")
        tail, self._tail = self._tail, None
        if tail is None or tail[1] >= self._segment_bytes:
            tail = (self.next_seq, 0)
        path = self._folder / segment_name(tail[0])
        self._file = self._fs.open_append(path)
        self._size = self._file.size()
        if self._size != tail[1]:
            raise EventsError(
                f"{path.name} has {self._size} bytes, not {tail[1]}: somebody else wrote to it"
            )
        if self._size == 0:
            self._fs.sync_folder(self._folder)
        return self._file

    def _sync(self) -> None:
        if self._unsynced and self._file is not None:
            self._file.sync()
            self._unsynced = False

    def _refuse_if_poisoned(self) -> None:
        if self._poison is not None:
            raise LogWriteError(self._poison)

    def _fail(self, doing: str, error: Exception) -> NoReturn:
        self._poison = (
            f"cannot {doing} the log in {self._folder}: {error};"
            " mend the cause, then start again: what is missing is done again"
        )
        raise LogWriteError(self._poison) from error
