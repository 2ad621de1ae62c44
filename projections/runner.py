"""Keeping ``stats.json`` current from the event log of a data folder.

The state is what a fold of the log gives, up to positions; the file is that state as of the last
save. Any number of runners may work on one data folder: each save is made under a lock, by a
runner that has first taken over what another has saved meanwhile and read on to the log's end.
So newer is never overwritten by older.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.filesystem import RealFileSystem
from events.log.segment import list_segments
from events.log.stream import list_streams, stream_folder
from projections.errors import SnapshotError
from projections.fold import Fold
from projections.placing import lies_on_log
from projections.reading import Problem, nothing, read_stream
from projections.snapshot import Snapshot
from projections.store import SnapshotStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from projections.entry import Entry


class Runner:
    """Folds a data folder's log as it grows, and saves what it adds up to.

    Args:
        data: The data folder.
        fs: The file system it is in.
        clock: For the names of files that are kept aside.
        notice: Told, in one sentence, of anything that had to be mended.
        problem: Told of each invalid line.
        progress: Told how many bytes of the log were read.
    """

    def __init__(
        self,
        data: Path,
        *,
        fs: FileSystem | None = None,
        clock: Clock | None = None,
        notice: Callable[[str], None] = nothing,
        problem: Callable[[Problem], None] = nothing,
        progress: Callable[[int], None] = nothing,
    ) -> None:
        self._data = data
        self._fs: FileSystem = fs or RealFileSystem()
        self._notice = notice
        self._problem = problem
        self._progress = progress
        self._store = SnapshotStore(data, fs=self._fs, clock=clock or SystemClock())
        self._fold = Fold()
        self._entries: dict[str, Entry] = {}
        self._encoded: dict[str, bytes] = {}
        self._unsynced: set[Path] = set()
        self._saved: bytes | None = None

    def start(self) -> None:
        """Take over what ``stats.json`` holds, as far as it lies on the log.

        A file that cannot be believed is kept aside, and the stats are made anew from the log.
        """
        with self._store.lock():
            self._take_over()

    def _take_over(self) -> None:
        try:
            self._saved = self._store.read()
            snapshot = self._store.load()
        except SnapshotError as error:
            aside = self._store.set_aside("corrupt")
            self._notice(f"{error}; it was kept as {aside.name}, the stats come from the log again")
            self._saved, snapshot = None, None
        self._adopt(snapshot or Snapshot.empty())

    def _adopt(self, snapshot: Snapshot) -> None:
        kept: dict[str, Entry] = {}
        for stream, entry in snapshot.streams.items():
            if lies_on_log(entry, stream_folder(self._data, stream), self._fs):
                kept[stream] = entry
            else:
                self._notice(
                    f"{self._store.path} covers stream {stream!r} up to seq "
                    f"{entry.position.seq}, which the log does not hold; "
                    "that stream's stats come from the log again"
                )
        if len(kept) < len(snapshot.streams):
            aside = self._store.copy_aside("replaced")
            self._notice(f"the old {self._store.path.name} was kept as {aside.name}")
        self._fold = Fold(kept)
        self._entries = kept
        self._encoded = {}

    def catch_up(self) -> bool:
        """Fold what was appended since; say whether there was anything."""
        changed = False
        for stream in list_streams(self._data, self._fs):
            if self._read(stream):
                self._entries[stream] = self._fold.entry(stream)
                self._encoded.pop(stream, None)
                changed = True
        return changed

    def _read(self, stream: str) -> bool:
        folder = stream_folder(self._data, stream)
        before = self._fold.position(stream)
        segment, offset = before
        segments = list_segments(folder, self._fs)
        if not segments:
            return False
        if segment is not None and offset is not None:
            mine = next((s for s in segments if s.first_seq == segment), None)
            plain = mine is not None and not mine.compression
            size = self._fs.size(mine.path) if mine is not None and plain else offset
            if mine is None or size < offset:
                self._notice(f"the log of stream {stream!r} became shorter; it is read again")
                self._fold.forget(stream)
            elif mine is segments[-1] and size == offset:
                return False
        for read in read_stream(
            self._fold, stream, folder, self._fs, problem=self._complete, progress=self._progress
        ):
            if not read.compression:
                self._unsynced.add(read.path)
        return self._fold.position(stream) != before

    def _complete(self, problem: Problem) -> None:
        if not problem.incomplete:  # an unfinished line is being written: it is waited for
            self._problem(problem)

    @property
    def snapshot(self) -> Snapshot:
        """What has been folded so far."""
        return Snapshot(dict(self._entries))

    def save(self) -> bool:
        """Replace ``stats.json``, if it would change; say whether it was replaced.

        What it covers is on the disk before it is.
        """
        if not self._entries and self._saved is None:
            return False
        with self._store.lock():
            if self._store.read() != self._saved:  # another runner, or a rebuild, has saved
                self._take_over()
                self.catch_up()
            return self._write()

    def rebuild(self) -> Snapshot:
        """Make the stats from the log alone, and put them in the file's place; never join.

        Workers may go on meanwhile: their runners take the new file over at their next save.
        """
        self._adopt(Snapshot.empty())
        self.catch_up()
        with self._store.lock():
            self.catch_up()
            self._saved = self._store.read()
            self._write()
        return self.snapshot

    def _write(self) -> bool:
        for path in sorted(self._unsynced):
            self._fs.sync_file(path)
        self._unsynced.clear()
        for stream, entry in self._entries.items():
            if stream not in self._encoded:
                self._encoded[stream] = entry.to_bytes()
        data = self.snapshot.to_bytes(self._encoded)
        if data == self._saved:
            return False
        self._store.replace(data)
        self._saved = data
        return True
