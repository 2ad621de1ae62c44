"""Tallying the lines that begin in a part of a file, without the compiled kernel.

With few imports, since helping processes load it.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from events.kernel.plain import scan_text
from events.limits import MAX_LINE_BYTES
from worker.buckets import bounds

if TYPE_CHECKING:
    from events.kernel.plain import Group

    ScannedPart = tuple[int, int, int, list[Group]]

_NEAR = 1 << 12  # bytes in which a line mostly ends


def tally_part(
    file: int, begin: int, upto: int, folder: str | None, *, is_first: bool, limit: int
) -> ScannedPart | None:
    """Tally the lines of a file that begin in a part of it.

    Args:
        file: Its descriptor; its position does not matter.
        begin: Where the part begins, in bytes.
        upto: Where it ends.
        folder: The stream in whose folder the file is, if any.
        is_first: Whether a line begins with it; else the byte before it says.
        limit: Where the file ends, or less; lines that end later are left out.

    Returns:
        Where they begin and end, how many they are, and what they add up to, with places counted
        from where they begin; None where a line is so long, or has no end, that the part's lines
        cannot be told from those of others.

    Raises:
        OSError: The file cannot be read.
    """
    first = begin if is_first else _line_from(file, begin, limit)
    last = _line_from(file, upto, limit) or _last_line(file, upto)
    if first is None or last is None or last < first:
        return None
    text = partial(_read, file, first)
    name = None if folder is None else folder.encode()
    try:
        lines, groups = scan_text(text, last - first, bounds(), MAX_LINE_BYTES, name)
    except ValueError:  # it became shorter meanwhile
        return None
    return first, last, lines, groups


def _line_from(file: int, at: int, limit: int) -> int | None:
    """Where the first line begins that does so at a place or later; None if it is not near."""
    for most in (_NEAR, MAX_LINE_BYTES):
        size = min(most, limit - at + 1)
        found = _read(file, 0, at - 1, size).find(b"\n")
        if found >= 0:
            return at + found
    return None


def _last_line(file: int, upto: int) -> int | None:
    """Where the line begins that goes on at a place and has no end; None if it is too long."""
    begin = max(upto - MAX_LINE_BYTES, 0)
    found = _read(file, 0, begin, upto - begin).rfind(b"\n")
    return begin + found + 1 if found >= 0 else None


def _read(file: int, start: int, begin: int, size: int) -> bytes:
    """Read so many bytes, fewer only at the file's end."""
    found = os.pread(file, size, start + begin)
    while len(found) < size:
        more = os.pread(file, size - len(found), start + begin + len(found))
        if not more:
            break
        found += more
    return found
