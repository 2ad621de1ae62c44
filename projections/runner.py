"""Keeping ``stats.json`` current from the event log of a data folder.

The state is what a fold of the log gives, up to positions; the file is that state as of the last
save. Any number of runners may work on one data folder: each save is made under a lock, by a
runner that has first taken over what another has saved meanwhile and read on to the log's end.
So newer is never overwritten by older.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.stream import stream_folder, valid_stream_name
from projections.errors import ProjectionError, SnapshotError, SummaryError
from projections.log_view import LogView
from projections.placing import lies_on_log
from projections.problems import Problem, nothing
from projections.seqs import union
from projections.store import SnapshotStore
from projections.summaries.reading import nothing_stored
from projections.summaries.store import NOT_WRITTEN, SummaryStore
from projections.summary import read_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from projections.entry import Entry
    from projections.snapshot import Snapshot


class Runner:
    """Folds a data folder's log as it grows, and saves what it adds up to.

    It is used from one thread at a time.

    Args:
        data: The data folder.
        fs: The file system it is in.
        clock: For the names of files that are kept aside.
        notice: Told, in one sentence, of anything that had to be mended, or cannot be.
        problem: Told of each invalid line.
        progress: Told how many bytes of the log were read, or need not be.
        summed: Whether to believe the summaries of sealed segments whose files are as they were.

    Attributes:
        replaced: Whether `rebuild` has put another file in the place of what was there.
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
        summed: bool = True,
    ) -> None:
        self._data = data
        self._fs: FileSystem = fs or RealFileSystem()
        self._notice = notice
        self._store = SnapshotStore(data, fs=self._fs, clock=clock or SystemClock())
        self._summaries = SummaryStore(data, self._fs)
        self._told = False
        self._view = LogView(
            data,
            fs=self._fs,
            notice=notice,
            problem=problem,
            progress=progress,
            stored=self._summaries.of if summed else lambda _: nothing_stored(self._fs),
        )
        self._saved: bytes | None = None
        self.replaced = False

    @property
    def snapshot(self) -> Snapshot:
        """What has been folded so far."""
        return self._view.snapshot

    @property
    def unreadable(self) -> Mapping[str, str]:
        """Streams that could not be read to their end, with the reason."""
        return self._view.unreadable

    def start(self) -> None:
        """Take over what ``stats.json`` holds, as far as it lies on the log.

        A file that cannot be believed is kept aside, and the stats are made anew from the log.

        Raises:
            ProjectionError: The file cannot be read.
            OSError: The log cannot.
        """
        with self._store.lock():
            self._take_over()

    def _take_over(self) -> None:
        """Go on from what the file holds; where that is nothing, from what is folded already."""
        data = snapshot = None
        try:
            data = self._store.read()
            snapshot = self._store.parse(data) if data else None
        except SnapshotError as error:
            self._set_aside(error)
            data = None
        if snapshot is not None:
            self._go_on_from(snapshot)
        self._saved = data

    def _set_aside(self, error: SnapshotError) -> None:
        aside = self._store.set_aside("corrupt")
        self._notice(f"{error}; it was kept as {aside.name}, and is made anew from the log")

    def _go_on_from(self, snapshot: Snapshot) -> None:
        kept = {}
        for stream, entry in snapshot.streams.items():
            flaw = self._flaw(stream, entry)
            if flaw is None:
                kept[stream] = entry
            else:
                self._notice(
                    f"{self._store.path} counts stream {stream!r} up to seq {entry.position.seq}, "
                    f"{flaw}"
                )
        self._view.begin_from(kept)
        self._view.lost = len(kept) < len(snapshot.streams)

    def _flaw(self, stream: str, entry: Entry) -> str | None:
        """Why an entry does not lie on the log, if it does not."""
        folder = stream_folder(self._data, stream)
        try:
            if valid_stream_name(stream) and lies_on_log(entry, folder, self._fs):
                return None
            summary = read_summary(folder, self._fs) if valid_stream_name(stream) else None
        except SummaryError:  # then the numbers here are all there is; catching up tells of it
            return None
        segment = entry.position.segment
        if summary is not None and segment is not None and segment < summary.end:
            return (
                f"its summary.json up to seq {summary.entry.position.seq} (was an older copy "
                "restored?); its stats come from there and the log again"
            )
        return "at a place that the log does not have; its stats come from the log again"

    def catch_up(self) -> bool:
        """Fold what was appended since; say whether anything changed. See `LogView.catch_up`."""
        return self._view.catch_up()

    def save(self) -> bool:
        """Replace ``stats.json``, if it would change; say whether it was replaced.

        What it covers is on the disk before it is. (What another runner has saved, that one has
        synced.)

        Raises:
            ProjectionError: The file cannot be read, or the log not be brought to disk.
            OSError: The file cannot be written.
        """
        if not self._view.snapshot.streams and self._saved is None:
            return False
        with self._store.lock():
            if not self._is_as_saved():  # another runner, or a rebuild, has saved
                self._take_over()
                self._view.catch_up()
            is_replaced = self._write()
        self._keep_summaries()
        return is_replaced

    def _is_as_saved(self) -> bool:
        try:
            return self._store.read() == self._saved
        except SnapshotError:
            return False

    def rebuild(self) -> Snapshot:
        """Make the stats from the log alone, and put them in the file's place; never join.

        Workers may go on meanwhile: their runners take the new file over at their next save.

        Raises:
            ProjectionError: A stream cannot be read to its end, or the log not be brought to disk;
                the file is left as it was.
            OSError: The log cannot be listed, or the file not be written.
        """
        self._view.begin_from({})
        self._view.catch_up()  # most of it, before others have to wait
        with self._store.lock():
            self._view.catch_up()
            if self._view.unreadable:
                stream, why = next(iter(self._view.unreadable.items()))
                raise ProjectionError(
                    f"{self._store.path} is left as it was, since the log of stream {stream!r} "
                    f"cannot be read to its end: {why}"
                )
            try:
                self._saved = self._store.read()
            except SnapshotError as error:
                self._set_aside(error)
                self._saved = None
            self._view.lost = False  # the old file is what was to be replaced
            self._keep_what_the_log_lacks()
            self.replaced = self._write()
        self._keep_summaries()
        return self._view.snapshot

    def _keep_what_the_log_lacks(self) -> None:
        """Keep a copy of the old file where it counted more than the log holds now."""
        try:
            old = self._store.parse(self._saved) if self._saved else None
        except SnapshotError:
            return  # nothing in it can be believed, so nothing of it can be missed
        now = self._view.snapshot.streams
        lacking = [
            stream
            for stream, entry in (old.streams if old is not None else {}).items()
            if stream not in now or not _holds(now[stream], entry)
        ]
        if lacking and (aside := self._store.copy_aside("replaced")) is not None:
            self._notice(
                f"the old {self._store.path.name} counted events of stream {lacking[0]!r} that the "
                f"log does not hold any more; it was kept as {aside.name}. If the log lost lines, "
                "bring them back from a backup and rebuild again"
            )

    def _keep_summaries(self) -> None:
        """Write down what the sealed segments that were folded add up to: they are on the disk."""
        made, self._view.made = self._view.made, {}
        try:
            self._summaries.keep(made)
        except (OSError, EventsError) as error:  # they spare time, and nothing depends on them
            if not self._told:
                self._told = True
                self._notice(f"the summaries of segments {NOT_WRITTEN}: {error}")

    def _write(self) -> bool:
        self._view.sync()
        data = self._view.to_bytes()
        if data == self._saved:
            return False
        if self._view.lost:
            aside = self._store.copy_aside("replaced")
            if aside is not None:
                self._notice(f"the {self._store.path.name} of before was kept as {aside.name}")
            self._view.lost = False
        self._store.replace(data)
        self._saved = data
        return True


def _holds(entry: Entry, old: Entry) -> bool:
    """Whether ``entry`` was made from all lines that ``old`` was made from, by their numbers."""
    now = union(entry.seen, entry.spoilt)
    return union(now, union(old.seen, old.spoilt)) == now
