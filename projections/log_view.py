"""A data folder's log, folded as it grows: what is in memory, before it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.errors import EventsError
from events.log.segment import list_segments
from events.log.stream import list_streams, stream_folder
from projections.errors import SummaryError
from projections.fold import Fold
from projections.problems import Problem, nothing
from projections.reading import read_stream
from projections.snapshot import Snapshot
from projections.summaries.reading import SummedReader
from projections.summary import read_summary
from projections.syncing import ReadSegments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry
    from projections.summaries.reading import Stored
    from projections.summaries.segment import SegmentSummary


class LogView:
    """Folds the streams of a data folder, each from where it was read last.

    Args:
        data: The data folder.
        fs: The file system it is in.
        notice: Told, in one sentence, of anything that had to be mended, or cannot be.
        problem: Told of each invalid line.
        progress: Told how many bytes of the log were read, or need not be.
        stored: Gives what is stored of a stream's sealed segments; None: all of them are read.

    Attributes:
        made: Summaries of sealed segments that were folded, by stream, to be kept.
        unreadable: Streams that could not be read to their end, with the reason.
        lost: Whether the log was found not to hold any more what it held.
    """

    def __init__(
        self,
        data: Path,
        *,
        fs: FileSystem,
        notice: Callable[[str], None] = nothing,
        problem: Callable[[Problem], None] = nothing,
        progress: Callable[[int], None] = nothing,
        stored: Callable[[str], Stored] | None = None,
    ) -> None:
        self._data = data
        self._stored = stored
        self._fs = fs
        self._notice = notice
        self._problem = problem
        self._progress = progress
        self._read_segments = ReadSegments(fs)
        self.begin_from({})

    def begin_from(self, entries: Mapping[str, Entry]) -> None:
        """Forget what was folded, and go on from ``entries``, which lie on the log."""
        self._fold = Fold(entries)
        self._entries = dict(entries)
        self._encoded: dict[str, bytes] = {}
        self._bytes: bytes | None = None  # the whole, until something changes
        self._whole: set[Path] = set()  # compressed segments that were read to their ends
        self._ends: dict[str, int] = {}  # up to which seq each stream was seen to be pruned
        self.made: dict[str, list[SegmentSummary]] = {}
        self.unreadable: dict[str, str] = {}
        self.lost = False

    @property
    def snapshot(self) -> Snapshot:
        """What has been folded so far."""
        return Snapshot(dict(self._entries))

    def to_bytes(self) -> bytes:
        """The snapshot as JSON; only streams that have changed are encoded again."""
        if self._bytes is None:
            for stream, entry in self._entries.items():
                if stream not in self._encoded:
                    self._encoded[stream] = entry.to_bytes()
            self._bytes = self.snapshot.to_bytes(self._encoded)
        return self._bytes

    def catch_up(self) -> bool:
        """Fold what was appended since; say whether anything changed.

        A stream that cannot be read is told once, and stays as far as it was read; the others go
        on.

        Raises:
            OSError: The streams cannot be listed.
        """
        streams = list_streams(self._data, self._fs)
        gone = sorted(self._entries.keys() - streams)
        for stream in gone:
            self._forget(stream, "is gone")
        changed = [stream for stream in streams if self._catch_up(stream)]
        return bool(gone or changed)

    def _catch_up(self, stream: str) -> bool:
        before = self._entries.get(stream)
        try:
            self._read(stream)
            self.unreadable.pop(stream, None)
        except (OSError, EventsError, SummaryError) as error:
            why = str(error)
            if self.unreadable.get(stream) != why:
                self.unreadable[stream] = why
                self._notice(f"the log of stream {stream!r} cannot be read further: {why}")
        entry = self._entries.get(stream)
        known = (None, None) if entry is None else (entry.position.segment, entry.position.offset)
        if self._fold.position(stream) != known:
            self._entries[stream] = self._fold.entry(stream)
            self._encoded.pop(stream, None)
            self._bytes = None
        return self._entries.get(stream) is not before

    def _read(self, stream: str) -> None:
        while True:
            end = self._ends.get(stream, 0)
            try:
                self._read_on(stream)
            except FileNotFoundError:  # a segment is gone: if by a prune, its summary tells more
                self._look_for_summary(stream)
                if self._ends.get(stream, 0) <= end:
                    raise
            else:
                return

    def _read_on(self, stream: str) -> None:
        folder = stream_folder(self._data, stream)
        segments = list_segments(folder, self._fs)
        if stream not in self._ends:
            self._look_for_summary(stream)
        ahead = self._ahead(stream, segments)
        if ahead is None:  # or the listing missed a file that was replaced by its compressed twin
            segments = list_segments(folder, self._fs)
            self._look_for_summary(stream)  # or it was pruned
            ahead = self._ahead(stream, segments)
        if ahead is None:
            self._forget(stream, "became shorter")
            self._look_for_summary(stream)
            ahead = self._kept(stream, segments)
        for segment in self._fold_segments(stream, ahead, segments[-1].first_seq if ahead else 0):
            if not segment.compression:
                self._read_segments.add(segment.path)
        self._whole.update(segment.path for segment in ahead if segment.compression)

    def _fold_segments(self, stream: str, ahead: list[Segment], newest: int) -> Iterator[Segment]:
        """Fold some segments, of which all but the newest are sealed; yield those that are read."""
        if self._stored is None:
            return read_stream(
                self._fold,
                stream,
                stream_folder(self._data, stream),
                self._fs,
                segments=ahead,
                problem=self._complete,
                progress=self._progress,
            )
        return SummedReader(
            self._fold,
            stream,
            self._fs,
            self._stored(stream),
            made=self.made.setdefault(stream, []).append,
            problem=self._complete,
            progress=self._progress,
        ).read(ahead, newest)

    def _look_for_summary(self, stream: str) -> None:
        """Go on from the stream's summary, if it was pruned beyond what was folded.

        After the listing of its segments: so what that lacks is in the summary.
        """
        summary = read_summary(stream_folder(self._data, stream), self._fs)
        self._ends[stream] = 0 if summary is None else summary.end
        if summary is not None:
            covered, _ = self._fold.position(stream)
            if covered is None or covered < summary.end:
                self._fold.begin(stream, summary.entry)

    def _kept(self, stream: str, segments: list[Segment]) -> list[Segment]:
        end = self._ends.get(stream, 0)
        return [each for each in segments if each.first_seq >= end]

    def _ahead(self, stream: str, segments: list[Segment]) -> list[Segment] | None:
        """Those that may hold more than was folded; None where the log does not hold that."""
        covered, offset = self._fold.position(stream)
        ahead = []
        holds = covered is None or covered < self._ends.get(stream, 0)
        for segment in self._kept(stream, segments):
            if covered is not None and segment.first_seq < covered:
                continue
            is_covered = segment.first_seq == covered
            holds = holds or is_covered
            if segment.compression:
                if segment.path not in self._whole:
                    ahead.append(segment)
                continue
            folded = (offset or 0) if is_covered else 0
            size = self._size(segment.path)
            if size is None or size > folded:
                ahead.append(segment)
            elif size < folded:
                return None
        return ahead if holds else None

    def _size(self, path: Path) -> int | None:
        try:
            return self._fs.size(path)
        except FileNotFoundError:  # it has just been compressed
            return None

    def _forget(self, stream: str, what: str) -> None:
        self._notice(f"the log of stream {stream!r} {what}; the stats follow it")
        folder = stream_folder(self._data, stream)
        self._whole = {path for path in self._whole if path.parent != folder}
        self._fold.forget(stream)
        self._ends.pop(stream, None)
        self._entries.pop(stream, None)
        self._encoded.pop(stream, None)
        self._bytes = None
        self.lost = True

    def _complete(self, problem: Problem) -> None:
        if not problem.incomplete:  # an unfinished line is being written: it is waited for
            self._problem(problem)

    def sync(self) -> None:
        """Bring what was read to the disk; see `projections.syncing.ReadSegments.sync`.

        Raises:
            ProjectionError: It cannot be brought there.
        """
        self._read_segments.sync()
