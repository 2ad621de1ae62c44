"""Making a data folder's log smaller, without changing a total: old segments go, others shrink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.errors import SyncStatsError
from events.filesystem import RealFileSystem
from events.log.sealing import (
    HOUSEKEEPING_LOCK,
    clear_leftovers,
    compress_segment,
    sealed_segments,
)
from events.log.stream import list_streams, stream_folder
from projections.errors import SummaryError
from projections.log_view import LogView
from projections.outdated import take_by_age, take_by_size
from projections.placing import lies_on_log
from projections.problems import nothing
from projections.prunable import PrunableStream, segment_sizes
from projections.pruned import Keep, Pruned, StreamReport
from projections.runner import Runner
from projections.store import SnapshotStore
from projections.summaries.store import NOT_WRITTEN
from projections.summaries.summariser import sum_up_again

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem
    from projections.entry import Entry


def prune(
    data: Path,
    keep: Keep | None,
    *,
    compress: bool = False,
    dry_run: bool = False,
    lease_seq: Callable[[str], int | None],
    fs: FileSystem | None = None,
    clock: Clock | None = None,
    notice: Callable[[str], None] = nothing,
) -> Pruned:
    """Remove the oldest segments of a data folder's log, and compress others.

    What the removed ones add up to stays in their stream's summary, so that no number changes.
    Never removed are a stream's last segment, what ``stats.json`` does not cover wholly, and what a
    take-over may have to read. ``stats.json`` is brought up to date first. Another call finishes
    what one that was killed has begun; workers may run meanwhile.

    Args:
        data: The data folder.
        keep: What is to stay; None: all.
        compress: Whether to compress all segments that are not written to any more.
        dry_run: Change nothing; tell what would be done.
        lease_seq: Gives the smallest ``lease_seq`` of the jobs that a stream has leased.
        fs: Where the folder is.
        clock: Tells the age of segments.
        notice: Told, in one sentence, of anything that had to be mended, or cannot be.

    Raises:
        ProjectionError: ``stats.json`` cannot be brought up to date.
        OSError: The log cannot be listed, or ``stats.json`` not be written.
    """
    real: FileSystem = fs or RealFileSystem()
    time = clock or SystemClock()
    if dry_run:
        claims = _claims(data, real, time)
        return _Prune(data, claims, lease_seq, real, time).dry(keep, compress=compress)
    with real.lock(data / HOUSEKEEPING_LOCK):
        runner = Runner(data, fs=real, clock=time, notice=notice)
        runner.start()
        runner.catch_up()
        runner.save()
        claims = runner.snapshot.streams
        pruning = _Prune(data, claims, lease_seq, real, time)
        done = pruning.run(keep, compress=compress)
        try:
            pruning.sum_up_again()
        except (OSError, SyncStatsError) as error:  # nothing depends on it
            notice(f"the summaries of segments {NOT_WRITTEN}: {error}")
        return done


def _claims(data: Path, fs: FileSystem, clock: Clock) -> Mapping[str, Entry]:
    """What stats.json would hold if it were brought up to date."""
    stored = SnapshotStore(data, fs=fs, clock=clock).load()
    known = {} if stored is None else stored.streams
    view = LogView(data, fs=fs)
    view.begin_from({n: e for n, e in known.items() if _is_right(e, stream_folder(data, n), fs)})
    view.catch_up()
    return view.snapshot.streams


def _is_right(entry: Entry, folder: Path, fs: FileSystem) -> bool:
    try:
        return lies_on_log(entry, folder, fs)
    except SummaryError:  # the stream's report tells of it
        return True


class _Prune:
    """One pass over all streams of a data folder."""

    def __init__(
        self,
        data: Path,
        claims: Mapping[str, Entry],
        lease_seq: Callable[[str], int | None],
        fs: FileSystem,
        clock: Clock,
    ) -> None:
        self._data = data
        self._claims = claims
        self._lease_seq = lease_seq
        self._fs = fs
        self._clock = clock
        names = list_streams(data, fs)
        self._done = Pruned({name: StreamReport() for name in names})
        self._done.bytes_before = sum(map(self._size, names))
        self._compressed: dict[str, set[int]] = {}

    def dry(self, keep: Keep | None, *, compress: bool) -> Pruned:
        """Tell what `run` would do."""
        streams = self._choose(keep)
        for stream in streams.values():
            self._report(stream)
        if compress:
            for name, stream in streams.items():
                segments = sealed_segments(stream.folder, self._fs)
                going = {each.first_seq for each in (*stream.left, *stream.taken)}
                self._done.streams[name].compressed_segments = sum(
                    not each.compression and each.first_seq not in going for each in segments
                )
        removed = sum(report.removed_bytes for report in self._done.streams.values())
        self._done.bytes_after = self._done.bytes_before - removed
        return self._done

    def run(self, keep: Keep | None, *, compress: bool) -> Pruned:
        """Remove what is too old, compress, and then remove what is too much."""
        by_size = keep is not None and keep.size is not None
        if not by_size:
            self._remove(keep)
        if compress:
            for name in self._done.streams:
                self._compress(name)
        if by_size:
            self._remove(keep)
        self._done.bytes_after = sum(map(self._size, self._done.streams))
        return self._done

    def sum_up_again(self) -> None:
        """Bring the summaries of segments up to date with what was done; see `sum_up_again`."""
        for name, report in self._done.streams.items():
            compressed = self._compressed.get(name, set())
            if compressed or report.removed_segments:
                sum_up_again(self._data, name, compressed, self._fs)

    def _size(self, name: str) -> int:
        folder = stream_folder(self._data, name)
        try:
            return sum(segment_sizes(folder, self._fs).values())
        except OSError:
            return 0

    def _choose(self, keep: Keep | None) -> dict[str, PrunableStream]:
        streams: dict[str, PrunableStream] = {}
        for name, report in self._done.streams.items():
            folder = stream_folder(self._data, name)
            if not self._fs.is_folder(folder):
                report.error = f"{folder} is a symbolic link: it is left as it is"
                continue
            try:
                streams[name] = PrunableStream(
                    self._data,
                    name,
                    claim=self._claims.get(name),
                    lease_seq=self._lease_seq(name),
                    fs=self._fs,
                )
            except (SyncStatsError, OSError) as error:
                report.error = str(error)
        if keep is not None and keep.age_s is not None:
            before_us = self._clock.now_us() - round(keep.age_s * 1e6)
            take_by_age(streams, before_us, self._fail)
        if keep is not None and keep.size is not None:
            take_by_size(streams, keep.size, self._fail)
        return streams

    def _fail(self, stream: PrunableStream, error: Exception) -> None:
        stream.keep_back("it cannot be read")
        self._done.streams[stream.name].error = str(error)

    def _remove(self, keep: Keep | None) -> None:
        for name, stream in self._choose(keep).items():
            try:
                clear_leftovers(stream.folder, self._fs)
                stream.carry_out()
            except (OSError, SyncStatsError) as error:
                self._done.streams[name].error = str(error)
            else:
                self._report(stream)

    def _report(self, stream: PrunableStream) -> None:
        report = self._done.streams[stream.name]
        report.removed_segments = len(stream.left) + len(stream.taken)
        report.removed_lines = stream.lines
        report.removed_bytes = stream.left_size + stream.taken_size
        summary = stream.summary()
        report.first_seq = None if summary is None else summary.end
        if stream.kept_back is not None:
            report.kept_from_seq, report.why = stream.kept_back

    def _compress(self, name: str) -> None:
        folder = stream_folder(self._data, name)
        report = self._done.streams[name]
        if not self._fs.is_folder(folder):
            report.error = f"{folder} is a symbolic link: it is left as it is"
            return
        try:
            for segment in sealed_segments(folder, self._fs):
                if not segment.compression:
                    report.saved_bytes += compress_segment(segment, self._fs)
                    report.compressed_segments += 1
                    self._compressed.setdefault(name, set()).add(segment.first_seq)
        except (OSError, SyncStatsError) as error:
            report.error = str(error)
