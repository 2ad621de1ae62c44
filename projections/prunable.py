"""One stream's oldest segments: which of them may go, and putting them into its summary.

The order is: the summary with what they add up to, durably, read back; then they are removed, the
oldest first. Wherever that ends, whoever counts passes over what is below the summary's end, and
the next prune removes it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import UNSET

from events.calls import call
from events.clock import to_us
from events.codec import decode
from events.errors import InvalidLineError
from events.json_text import is_blank
from events.log.compression import SUFFIXES
from events.log.reader import BlockReader, Overlong
from events.log.segment import list_segments, open_segment, parse_segment, segment_name
from events.log.stream import stream_folder
from events.log.twins import check_forms
from projections.errors import ProjectionError
from projections.fold import Fold
from projections.leftovers import check_leftovers
from projections.placing import goes_on_from
from projections.reading import read_stream
from projections.summary import Summary, kept, read_summary, write_summary

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry

LAST_SEGMENT = "it is the stream's last segment"
NOT_IN_STATS = "it is not wholly in stats.json"


class PrunableStream:
    """A stream whose oldest segments are looked at one after the other, and taken or kept.

    Args:
        data: The data folder.
        stream: The stream's name.
        claim: What stats.json holds of it; None if nothing.
        lease_seq: The smallest ``lease_seq`` of the jobs that it has leased; None if it has none.
        fs: Where it is.

    Attributes:
        name: The stream's name.
        folder: Its folder.
        taken: The segments that are to go, oldest first.
        lines: How many lines they hold.
        size: The bytes on disk of all segments, without those that are to go.
        taken_size: The bytes on disk of those that are to go.
        left: Segments that an earlier prune was to remove, and was kept from.
        left_size: Their bytes on disk.
        kept_back: The first seq of the segment that was to go and must not, with the reason.

    Raises:
        SummaryError: Its summary cannot be believed, or lacks lines that stand below its end.
        EventsError: A segment below its end is damaged.
        OSError: Its folder cannot be read.
    """

    def __init__(
        self,
        data: Path,
        stream: str,
        *,
        claim: Entry | None,
        lease_seq: int | None,
        fs: FileSystem,
    ) -> None:
        self.name = stream
        self._data = data
        self.folder = stream_folder(data, stream)
        self._claim = claim
        self._lease_seq = lease_seq
        self._fs = fs
        segments = list_segments(self.folder, fs)
        self._summary = read_summary(self.folder, fs)
        self._kept = kept(self._summary, segments)
        below = segments[: len(segments) - len(self._kept)]
        if self._summary is not None:
            check_leftovers(below, self._summary.entry, self.folder, fs)
        # A stream's last segment stays in any case, whatever a summary says of it.
        self.left: Sequence[Segment] = below if self._kept else below[:-1]
        self.taken: list[Segment] = []
        self.lines = 0
        self._sizes = segment_sizes(self.folder, fs)
        self.left_size = sum(self._sizes.get(each.first_seq, 0) for each in self.left)
        self.size = sum(self._sizes.values()) - self.left_size
        self.taken_size = 0
        self.kept_back: tuple[int, str] | None = None
        self._entry = None if self._summary is None else self._summary.entry
        self._oldest_lines = 0
        self._fold = Fold({} if self._entry is None else {stream: self._entry})

    @property
    def oldest(self) -> Segment | None:
        """The oldest segment that was not taken, if any may still be."""
        if self.kept_back is not None or not self._kept:
            return None
        return self._kept[0]

    def newest_us(self) -> int | None:
        """The newest timestamp in the oldest segment, microseconds since 1970; None without one.

        Raises:
            EventsError: The segment is damaged.
            OSError: It cannot be read.
        """
        newest, self._oldest_lines = _look_at(self._kept[0], self._fs)
        return newest

    def keep_back(self, why: str) -> None:
        """Say that the oldest segment stays, though it was to go."""
        self.kept_back = (self._kept[0].first_seq, why)

    def take(self) -> bool:
        """Mark the oldest segment to go, if it may; else say why not in `kept_back`.

        After `newest_us`.

        Raises:
            EventsError: The segment is damaged, or another file of it holds more.
            OSError: It cannot be read.
        """
        segment = self._kept[0]
        why = self._why_not(segment) or self._why_not_folded(segment)
        if why is not None:
            self.keep_back(why)
            return False
        size = self._sizes.get(segment.first_seq, 0)
        self.size -= size
        self.taken_size += size
        self.lines += self._oldest_lines
        self._entry = self._fold.entry(self.name)
        self.taken.append(self._kept.pop(0))
        return True

    def _why_not(self, segment: Segment) -> str | None:
        """Why a segment must stay, as far as that can be told without reading it."""
        if len(self._kept) == 1:
            return LAST_SEGMENT
        covered = None if self._claim is None else self._claim.position.segment
        if covered is None or segment.first_seq >= covered:
            return NOT_IN_STATS
        if self._lease_seq is not None and self._kept[1].first_seq > self._lease_seq:
            return self._leased()
        return None

    def _why_not_folded(self, segment: Segment) -> str | None:
        """Fold a segment too; why it must stay, after all."""
        check_forms(segment, self._fs)
        for _ in read_stream(self._fold, self.name, self.folder, self._fs, segments=[segment]):
            pass
        entry = self._fold.entry(self.name)
        if entry.position.segment is None:
            return "it holds no line"
        if self._lease_seq is not None and entry.position.seq > self._lease_seq:
            return self._leased()
        if self._claim is None or not goes_on_from(entry, self._claim):
            return f"stats.json says otherwise of it: see {call('verify', self._data)}"
        return None

    def _leased(self) -> str:
        return f"jobs are leased since seq {self._lease_seq}, whose outcomes may be in it"

    def summary(self) -> Summary | None:
        """What the stream's summary is to be; None while nothing of it is pruned."""
        if self._entry is None or self._entry.position.segment is None:
            return None
        if not self.taken:
            return self._summary
        before = 0 if self._summary is None else self._summary.lines
        return Summary(self.name, self._kept[0].first_seq, before + self.lines, self._entry)

    def carry_out(self) -> None:
        """Write the summary, then remove what it holds. Can be repeated at any step.

        Raises:
            ProjectionError: The summary does not read as it was written; nothing was removed.
            OSError: As the system says.
        """
        summary = self.summary()
        if summary is None:
            return
        if self.taken:
            write_summary(self.folder, summary, self._fs)
            if read_summary(self.folder, self._fs) != summary:
                raise ProjectionError(
                    f"the summary in {self.folder} does not read as it was written, so nothing was "
                    "removed: check the disk of this machine"
                )
        for segment in (*self.left, *self.taken):
            for suffix in SUFFIXES:  # it may be compressed by now, or be there twice
                with suppress(FileNotFoundError):
                    self._fs.remove(self.folder / (segment_name(segment.first_seq) + suffix))
        if self.left or self.taken:
            self._fs.sync_folder(self.folder)


def _look_at(segment: Segment, fs: FileSystem) -> tuple[int | None, int]:
    """The newest timestamp in a segment, and how many lines it has that are not empty."""
    newest: int | None = None
    count = 0
    with open_segment(segment, fs) as file:
        for block in BlockReader(file):
            if isinstance(block, Overlong):
                count += 1
                continue
            for line in block.data[:-1].split(b"\n"):
                if is_blank(line):
                    continue
                count += 1
                moment = _moment_us(line)
                if moment is not None and (newest is None or moment > newest):
                    newest = moment
    return newest, count


def _moment_us(line: bytes) -> int | None:
    try:
        timestamp = decode(line).timestamp
    except InvalidLineError:
        return None
    return None if timestamp is UNSET else to_us(timestamp)


def segment_sizes(folder: Path, fs: FileSystem) -> dict[int, int]:
    """Bytes on disk of each segment, in all its forms."""
    sizes: dict[int, int] = {}
    for name in fs.list_folder(folder):
        segment = parse_segment(folder / name)
        if segment is not None:
            with suppress(FileNotFoundError):  # it has just been compressed
                sizes[segment.first_seq] = sizes.get(segment.first_seq, 0) + fs.size(segment.path)
    return sizes
