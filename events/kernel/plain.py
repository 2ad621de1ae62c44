"""What the compiled kernel does, done in Python: whole lines to neutral tallies.

The lines of a piece of text are decoded one after the other, and then added up by columns: that
costs far less than looking at each. A piece is small, so that its events are still in the
processor's cache when they are added up. What is unusual is handed back.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from events.kernel.plain_runs import Runs
from events.limits import MAX_DEPTH
from events.model import SCHEMA_VERSION, Line
from events.nesting import is_too_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from events.kernel.tallies import Run

    Group = tuple[int, int, list[Run] | None]

PIECE_BYTES = 1 << 16
_SHORT = 2 * MAX_DEPTH
"""A line of at most so many bytes is not nested too deep."""
_MANY = 16
"""Where one line in so many is odd, to look at each closely is quicker than to sort them out."""
_UNREAD = frozenset({"exception", "epoch", "queue_id", "host", "pid", "version"})
"""Fields that may be of any type in an outcome, and are not added up."""


def _reader() -> Any:
    """A decoder for lines of the usual version; of the fields of `Line` it leaves those out."""
    fields: list[tuple[str, Any, Any]] = [
        (each.name, each.type, each.default)
        for each in msgspec.structs.fields(Line)
        if each.name not in _UNREAD
    ]
    usual = [(name, Literal[SCHEMA_VERSION] if name == "v" else t, d) for name, t, d in fields]
    return msgspec.json.Decoder(msgspec.defstruct("UsualLine", usual, gc=False)).decode


_read = _reader()


def scan(
    data: bytes | bytearray | memoryview,
    bounds: Sequence[int],
    longest: int,
    folder: bytes | None = None,
    *,
    piece_bytes: int = PIECE_BYTES,
) -> tuple[int, list[Group]]:
    r"""Tally whole lines.

    Args:
        data: The lines, each with its ``\n``.
        bounds: Durations are counted at their places among these.
        longest: No line that is longer is read, in bytes with its end.
        folder: The stream in whose folder the lines are; None for lines from anywhere.
        piece_bytes: How much is decoded at once.

    Returns:
        How many lines there are, and groups of them: where each begins and ends, in bytes of
        ``data``, and what it adds up to. That is None for what has to be looked at more closely: a
        line of any length, or several of at most ``piece_bytes`` together.

    Raises:
        ValueError: The last line has no end.
    """
    view = memoryview(data)

    def text(begin: int, size: int) -> bytes:
        return bytes(view[begin : begin + size])

    return scan_text(text, len(view), bounds, longest, folder, piece_bytes=piece_bytes)


def scan_text(
    text: Callable[[int, int], bytes],
    size: int,
    bounds: Sequence[int],
    longest: int,
    folder: bytes | None = None,
    *,
    piece_bytes: int = PIECE_BYTES,
) -> tuple[int, list[Group]]:
    """Tally whole lines that need not be in memory at once; else as `scan`.

    Args:
        text: Gives the text from some place, so many bytes or as many as there are.
        size: How long it is, in bytes.
        bounds: As of `scan`, like the others.
        longest: Likewise.
        folder: Likewise.
        piece_bytes: Likewise.

    Raises:
        ValueError: The last line has no end.
    """
    runs = Runs(bounds, None if folder is None else folder.decode())
    groups: list[Group] = []
    count = begin = end = 0
    for piece in _pieces(text, size, min(piece_bytes, longest)):
        count += len(piece.lines)
        for taken, is_taken in _take(piece, runs):
            if not is_taken and end > begin:
                groups.append((begin, end, runs.sums()))
                begin = end
            end += taken
            if not is_taken or runs.are_many:
                groups.append((begin, end, runs.sums() if is_taken else None))
                begin = end
    if end > begin:
        groups.append((begin, end, runs.sums()))
    return count, groups


class _Piece(NamedTuple):
    """Some whole lines.

    Attributes:
        text: They, and perhaps a part of the next one.
        size: Bytes of them in ``text``, their ends included.
        lines: They, without their ends.
    """

    text: bytes
    size: int
    lines: list[bytes]


def _pieces(text: Callable[[int, int], bytes], size: int, most: int) -> Iterator[_Piece]:
    """Cut whole lines into pieces of at most so many bytes, or of one line that is longer."""
    begin = 0
    while begin < size:
        found = text(begin, min(most, size - begin))
        lines = found.split(b"\n")
        length = len(found) - len(lines.pop())
        if not lines:
            lines = [_long_line(text, begin, size, most)]
            length = len(lines[0]) + 1
        yield _Piece(found, length, lines)
        begin += length


def _long_line(text: Callable[[int, int], bytes], begin: int, size: int, most: int) -> bytes:
    """The line that begins somewhere, without its end, which is not so near."""
    while begin + most < size:
        most *= 2
        line, end, _ = text(begin, min(most, size - begin)).partition(b"\n")
        if end:
            return line
    raise ValueError("the last line has no end")


def _take(piece: _Piece, runs: Runs) -> Iterator[tuple[int, bool]]:
    """Add lines up; give the bytes of those that follow one another, and whether they are added."""
    events = _read_all(piece)
    if events is not None and runs.add(events):
        yield piece.size, True
        return
    each = [None] if piece.size > len(piece.text) else [_read_one(x, runs) for x in piece.lines]
    if each.count(None) * _MANY > len(each):
        yield piece.size, False
        return
    at = 0
    for is_odd, some in groupby(each, lambda event: event is None):
        events = [*some]
        lines = piece.lines[at : at + len(events)]
        at += len(events)
        yield sum(map(len, lines)) + len(lines), not is_odd and runs.add(events)


def _read_all(piece: _Piece) -> list[Any] | None:
    """The events in lines that can all be read without a closer look."""
    text, size, lines = piece
    if size > len(text):
        return None
    try:
        if not text.isascii():
            text[:size].decode()  # msgspec does not look into the strings that it skips
        if max(map(len, lines)) > _SHORT and any(map(is_too_deep, lines)):
            return None
        return [*map(_read, lines)]
    except (ValueError, RecursionError):
        return None


def _read_one(line: bytes, runs: Runs) -> Any:
    """The event in a line; None if it is odd."""
    try:
        if not line.isascii():
            line.decode()
        event = None if is_too_deep(line) else _read(line)
    except (ValueError, RecursionError):
        return None
    return None if event is None or runs.is_odd(event) else event
