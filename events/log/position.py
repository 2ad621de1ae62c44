"""How far a stream has been folded."""

from __future__ import annotations

import msgspec


class Position(msgspec.Struct, frozen=True):
    """The place after the last line read: the offset decides what is read, ``seq`` what counts.

    It names the segment of the last line read, at its end, also when a newer empty segment exists.

    Attributes:
        epoch: The opening of the stream that the last line belongs to; "" before the first.
        seq: The next number expected.
        segment: First ``seq`` of the segment (its name, whatever its compression); None for lines
            that came from loose files, which have no such place.
        offset: Bytes of the segment's uncompressed text up to the end of that line; None as above.
    """

    epoch: str
    seq: int
    segment: int | None
    offset: int | None
