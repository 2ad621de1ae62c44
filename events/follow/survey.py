"""What must be seen of a text to judge whether it is one that was read already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.follow.fingerprint import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.follow.texts import OpenText

_CHUNK_BYTES = 1 << 20


class Survey:
    """Goes through a text once, also while it grows, and keeps the crc at the places asked for.

    Attributes:
        meter: What was seen so far.
        crcs: The crc32 of so many first bytes.
        length: Bytes of an archive's text, once it was decompressed to its end.
        same: Up to where the text was found to be the same as another one.
    """

    def __init__(self) -> None:
        self.meter = Meter()
        self.crcs: dict[int, int] = {}
        self.length: int | None = None
        self.same: tuple[object, int] = (None, 0)

    def to_end(self, text: OpenText) -> int:
        """Decompress an archive to its end, and give the length of its text.

        Raises:
            EventsError: It is damaged or not finished.
        """
        while self.length is None:
            data = text.read_at(self.meter.offset, _CHUNK_BYTES)
            self.meter.take(data)
            if len(data) < _CHUNK_BYTES:
                self.length = self.meter.offset
        return self.length

    def extend(self, text: OpenText, limit: int, offsets: Iterable[int] = ()) -> None:
        """See the text up to ``limit``, and keep the crc at each of the offsets up to there."""
        wanted = sorted(at for at in offsets if at <= limit and at not in self.crcs)
        if wanted and wanted[0] < self.meter.offset:
            self.meter = Meter()
        for at in (*wanted, limit):
            while self.meter.offset < at:
                data = text.read_at(self.meter.offset, min(_CHUNK_BYTES, at - self.meter.offset))
                if not data:
                    return
                self.meter.take(data)
            if self.meter.offset == at:
                self.crcs[at] = self.meter.crc


def same_text(survey: Survey, one: OpenText, other: OpenText, size: int) -> bool:
    """Whether two texts have the same first bytes; goes on where it was found so before."""
    known, at = survey.same
    if known is not other:
        at = 0
    while at < size:
        wanted = min(_CHUNK_BYTES, size - at)
        data = one.read_at(at, wanted)
        if len(data) < wanted or data != other.read_at(at, wanted):
            return False
        at += wanted
    survey.same = (other, at)
    return True
