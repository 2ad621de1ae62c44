"""Holding the summaries of a stream's sealed segments against its lines, while these are folded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from events.errors import EventsError
from projections.fold import Fold
from projections.summaries.segment import crc32_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry
    from projections.summaries.reading import Stored
    from projections.summaries.segment import SegmentFile


@dataclass(frozen=True)
class _Claim:
    """What a rebuild would take of a summary, at this place of the log.

    Attributes:
        end: The segment before which it has to be true.
        entry: What the stream has to add up to there.
        segments: Of which segments it is.
        files: The files of which it was made.
    """

    end: int
    entry: Entry
    segments: Sequence[Segment]
    files: Sequence[SegmentFile]


class SummaryCheck:
    """Compares what a rebuild would take from summaries with what the lines add up to.

    Args:
        stored: What is stored.
        stream: The stream.
        segments: Its segments, oldest first; the last one is not sealed.
        fs: Where they are.

    Attributes:
        wrong: One sentence for each summary that says something else than its segments.
        changed: The segments whose bytes are not those that were summed up.
    """

    def __init__(
        self, stored: Stored, stream: str, segments: Sequence[Segment], fs: FileSystem
    ) -> None:
        self.wrong: list[str] = []
        self.changed: list[Path] = []
        self._stored = stored
        self._stream = stream
        self._segments = segments
        self._places = {segment.first_seq: at for at, segment in enumerate(segments)}
        self._fs = fs
        self._begun = -1
        self._claims: list[_Claim] = []

    def begin(self, segment: Segment, fold: Fold) -> None:
        """Look at what was folded, before the next segment is; again for one segment: nothing.

        Args:
            segment: The segment.
            fold: What holds all that stands before it, and nothing else.
        """
        if segment.first_seq <= self._begun:
            return
        self._begun = segment.first_seq
        ended = [claim for claim in self._claims if claim.end == self._begun]
        at = self._places[self._begun]
        sealed = self._segments[at:-1]
        known = [*self._known(sealed)] if sealed else []
        if not ended and not known:
            return
        entry = fold.entry(self._stream)
        for claim in ended:
            self._claims.remove(claim)
            self._compare(claim, entry)
        for sums, files in known:
            expected = Fold({self._stream: entry})
            if expected.follow(self._stream, sums):  # else a rebuild reads the lines
                end = self._segments[at + len(files)].first_seq
                claimed = expected.entry(self._stream)
                self._claims.append(_Claim(end, claimed, sealed[: len(files)], files))

    def _known(self, sealed: Sequence[Segment]) -> Iterator[tuple[Entry, Sequence[SegmentFile]]]:
        single = self._stored.single(sealed[0])
        if single is not None:
            yield single.entry, (single.file,)
        together = self._stored.group(sealed)
        if together is not None:
            yield together

    def _compare(self, claim: _Claim, entry: Entry) -> None:
        differs = msgspec.structs.astuple(claim.entry) != msgspec.structs.astuple(entry)
        pairs = [*zip(claim.files, claim.segments, strict=True)]
        # All bytes of one segment, but those of many only where their lines say something else.
        looked_at = pairs if differs or len(pairs) == 1 else []
        try:
            changed = [s.path for f, s in looked_at if crc32_of(s.path, self._fs) != f.crc32]
            if not all(file.fits(segment, self._fs) for file, segment in pairs):
                return  # it is another file by now, and a rebuild will read it
        except (OSError, EventsError):  # it is gone: compressed, or pruned
            return
        for path in changed:
            self._tell_changed(path)
        if differs and not changed:  # else it is the lines that are wrong
            first, last = claim.segments[0].path, claim.segments[-1].path
            segments = f"segment {first}" if first == last else f"segments {first} to {last}"
            path = self._stored.path(claim.files[0].segment)
            self._tell(f"the summary of {segments}, in {path}, says something else than the lines")

    def _tell_changed(self, path: Path) -> None:
        if path not in self.changed:
            self.changed.append(path)
            self._tell(
                f"{path} has other bytes than when it was summed up, though its size and time are "
                "the same"
            )

    def _tell(self, wrong: str) -> None:
        if wrong not in self.wrong:
            self.wrong.append(wrong)
