"""What the files of a stream's summaries are to hold, when some are new and others gone."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from projections.summaries.group import head_line, single_line, together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from projections.entry import Entry
    from projections.summaries.group import StoredGroup
    from projections.summaries.segment import SegmentFile, SegmentSummary

GROUP_SEGMENTS = 128
"""How many segments share a file. Each new one writes its file again; a rebuild reads each file."""


class Draft:
    """What one file is to hold.

    Args:
        path: The file.
        stored: What it holds; None if there is no such file yet.

    Attributes:
        path: The file.
        files: The segments that it is to speak of.
        first: The first of them; -1 if there is none.
        last: The last of them; -1 if there is none.
        is_changed: Whether that is something else than what it holds.
    """

    def __init__(self, path: Path, stored: StoredGroup | None = None) -> None:
        self.path = path
        self.files: dict[int, SegmentFile] = {}
        self.first = self.last = -1
        self.is_changed = False
        self._stored = stored
        self._new: dict[int, SegmentSummary] = {}
        self._only_longer = stored is not None

    @staticmethod
    def of(stored: StoredGroup, there: Collection[int]) -> Draft:
        """What is to stay of a file, where only some segments are there still."""
        draft = Draft(stored.path, stored)
        files = stored.group.files
        draft.files = {each.segment: each for each in files if each.segment in there}
        draft.first, draft.last = min(draft.files, default=-1), max(draft.files, default=-1)
        if len(draft.files) < len(files):
            draft.is_changed = True
            draft._only_longer = False
        return draft

    def add(self, summary: SegmentSummary) -> None:
        """Speak of a segment, instead of what was said of it before."""
        segment = summary.file.segment
        if segment <= self.last:
            self._only_longer = False
        self.first = min(self.first, segment) if self.files else segment
        self.last = max(self.last, segment)
        self.files[segment] = summary.file
        self._new[segment] = summary
        self.is_changed = True

    def to_bytes(self, stream: str) -> bytes:
        """The file's bytes. What it holds and cannot be believed is left out."""
        lines: dict[int, tuple[SegmentFile, bytes]] = {}
        entries: list[Entry] = []
        total = self._sum()
        if total is not None:
            entries.append(total)
        for segment, file in sorted(self.files.items()):
            summary = self._new.get(segment)
            if summary is not None:
                lines[segment] = file, single_line(summary)
                entries.append(summary.entry)
            elif self._stored is not None:
                if total is None:
                    summary = self._stored.single(file)
                    if summary is None:
                        continue
                    entries.append(summary.entry)
                lines[segment] = file, self._stored.line(segment)
        files = [file for file, _ in lines.values()]
        head = head_line(stream, files, together(stream, entries))
        return b"".join([head, *(line for _, line in lines.values())])

    def _sum(self) -> Entry | None:
        """What the file says of all its segments together, if they all stay as they are."""
        if self._stored is None or not self._only_longer:
            return None
        files = self._stored.group.files
        whole = all(self._stored.line(each.segment) for each in files)
        return self._stored.group.entry() if whole else None


def place(drafts: list[Draft], made: Iterable[SegmentSummary], folder: Path) -> None:
    """Put new summaries where they belong: in the file of their neighbours, or in a new one.

    Args:
        drafts: The files that are there; new ones are added.
        made: The summaries.
        folder: Where the files are.
    """
    kept = sorted((each for each in drafts if each.files), key=_first)
    for summary in sorted(made, key=lambda each: each.file.segment):
        segment = summary.file.segment
        at = max(bisect_right(kept, segment, key=_first) - 1, 0)
        draft = kept[at] if kept else None
        if draft is None or (len(draft.files) >= GROUP_SEGMENTS and segment > draft.last):
            draft = _named(folder / f"{segment:020d}.json", drafts)
            if not draft.files:
                kept.insert(bisect_right(kept, segment, key=_first), draft)
        draft.add(summary)


def _first(draft: Draft) -> int:
    return draft.first


def _named(path: Path, drafts: list[Draft]) -> Draft:
    """The file of a name; a new one if there is none."""
    draft = next((each for each in drafts if each.path == path), None)
    if draft is None:
        draft = Draft(path)
        drafts.append(draft)
    return draft
