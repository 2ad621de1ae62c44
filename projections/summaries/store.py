"""Where the summaries of sealed segments are kept: ``summaries/STREAM/`` of a data folder.

All of it can be made anew from the log, and may be removed at any time. It is read without a lock,
since a file is replaced as a whole; who writes holds `HOUSEKEEPING_LOCK`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.log.sealing import HOUSEKEEPING_LOCK
from events.log.segment import list_segments
from events.log.stream import stream_folder
from projections.summaries.drafts import Draft, place
from projections.summaries.group import StoredGroup, read_group
from projections.summaries.reading import Stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from projections.summaries.segment import SegmentSummary

SUMMARIES_FOLDER = "summaries"
NOT_WRITTEN = "cannot be written, so `syncstats rebuild` takes longer, and nothing is lost"
_NAME = re.compile(r"[0-9]{20}\.json")
_FILE_MODE = 0o600


class SummaryStore:
    """The summaries of a data folder.

    Args:
        data: The data folder.
        fs: Where it is.
    """

    def __init__(self, data: Path, fs: FileSystem) -> None:
        self._data = data
        self._fs = fs

    def _folder(self, stream: str) -> Path:
        return self._data / SUMMARIES_FOLDER / stream

    def _names(self, stream: str) -> list[str]:
        try:
            names = self._fs.list_folder(self._folder(stream))
        except OSError:  # none is there, or it is not for us to read
            return []
        return [name for name in names if _NAME.fullmatch(name)]

    def groups(self, stream: str) -> list[StoredGroup]:
        """What is there of a stream and can be believed, the oldest segments first."""
        found = []
        for name in self._names(stream):
            path = self._folder(stream) / name
            with suppress(OSError, EventsError), self._fs.open_read(path) as file:
                group = read_group(file, stream)
                if group is not None:
                    found.append(StoredGroup(path, group, self._fs))
        return sorted(found, key=lambda stored: stored.group.files[0].segment)

    def of(self, stream: str) -> Stored:
        """What is there of a stream; looked at when it is needed."""
        return Stored(lambda: self.groups(stream), self._fs)

    def keep(self, made: Mapping[str, Sequence[SegmentSummary]]) -> None:
        """Keep summaries by stream, unless another compresses, prunes or writes some just now.

        Raises:
            EventsError: As of `save`.
            OSError: As the system says.
        """
        new = {stream: summaries for stream, summaries in made.items() if summaries}
        lock = self._fs.try_lock(self._data / HOUSEKEEPING_LOCK) if new else None
        if lock is not None:
            with lock:
                for stream, summaries in new.items():
                    self.save(stream, summaries)

    def save(self, stream: str, made: Iterable[SegmentSummary]) -> None:
        """Keep some summaries, instead of what is there of their segments.

        Those of segments that are gone are removed. The caller holds `HOUSEKEEPING_LOCK`, and what
        the segments hold is on the disk.

        Raises:
            EventsError: A link, or something that is no folder, stands where they are kept.
            OSError: As the system says; what was there of other segments can still be used.
        """
        folder = self._folder(stream)
        segments = list_segments(stream_folder(self._data, stream), self._fs)
        there = {segment.first_seq for segment in segments}
        drafts = [Draft.of(stored, there) for stored in self.groups(stream)]
        place(drafts, (each for each in made if each.file.segment in there), folder)
        kept = {draft.path.name for draft in drafts if draft.files}
        spoilt = [folder / name for name in self._names(stream) if name not in kept]
        changed = [draft for draft in drafts if draft.files and draft.is_changed]
        if not changed and not spoilt:
            return
        self._fs.make_folder(folder)
        for each in (folder.parent, folder):
            if not self._fs.is_folder(each):
                raise EventsError(f"{each} is a symbolic link, which is never written through")
        for path in spoilt:
            with suppress(FileNotFoundError):
                self._fs.remove(path)
        for draft in changed:
            self._fs.replace_file(draft.path, draft.to_bytes(stream), mode=_FILE_MODE)
