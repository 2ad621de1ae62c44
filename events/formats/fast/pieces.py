"""Pieces of a log whose lines are translated together."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import msgspec

from events.formats.fast.columns import UnusualError, nothing_else
from events.formats.lines.objects import read_object
from events.limits import MAX_DEPTH, MAX_LINE_BYTES
from events.nesting import is_too_deep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.errors import InvalidLineError
    from events.formats.fast.plans import Plan, Sort
    from events.formats.fast.sums import Sums
    from events.formats.outcome import Foreign
    from events.reporting import Report

_PIECE_BYTES = 1 << 16
_SHORT = min(2 * MAX_DEPTH, MAX_LINE_BYTES - 1)
"""A line of at most so many bytes is neither too long nor too deep."""


class Piece:
    """Some lines that are translated together, and what came of them so far."""

    def __init__(self, data: bytes, offset: int, found: list[Foreign], report: Report) -> None:
        self.rows = data.split(b"\n")
        if not self.rows[-1]:
            self.rows.pop()
        self.found = found
        self.is_unicode = _is_unicode(data)
        self._report = report
        self._known = (0, offset)  # a line's place, and where it begins

    def refuse(self, place: int, error: InvalidLineError) -> None:
        """Report an invalid line; they come in their order."""
        known, offset = self._known
        offset += sum(map(len, islice(self.rows, known, place))) + place - known
        self._known = (place, offset)
        self._report(offset, error.reason)


def pieces_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut lines into pieces of few enough lines for the processor's cache."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + _PIECE_BYTES) + 1
        end = end or data.find(b"\n", begin) + 1 or len(data)
        yield begin, data[begin:end]
        begin = end


def decode(block: Piece, plan: Plan) -> tuple[list[Any], set[int]]:
    """Read lines, and tell the places of those that are to be looked at slowly."""
    seen: list[Any] = []
    odd: set[int] = set()
    rows = iter(block.rows)
    while True:
        try:
            seen.extend(map(plan.decode, rows))
            break
        except (ValueError, RecursionError):
            odd.add(len(seen))
            seen.append(plan.blank)
    if max(map(len, block.rows)) > _SHORT:
        odd.update(
            place
            for place, line in enumerate(block.rows)
            if len(line) > _SHORT and is_too_deep(line)
        )
    if not block.is_unicode:  # msgspec does not look into the strings that it skips
        odd.update(place for place, line in enumerate(block.rows) if not _is_unicode(line))
    return seen, odd


def sorts_of(plan: Plan, seen: list[Any]) -> list[Sort]:
    """Tell the sort of each line."""
    known = list(map(plan.sorts.get, map(plan.key, seen)))
    if None in known:
        return [sort or plan.find(each) for sort, each in zip(known, seen, strict=True)]
    return cast("list[Sort]", known)


def make(
    sort: Sort,
    seen: list[Any],
    sorts: list[Sort],
    odd: set[int],
) -> Iterator[Foreign | None]:
    """Make the outcomes of the lines of one sort, in their order."""
    these = [each for each, own in zip(seen, sorts, strict=True) if own is sort]
    try:
        return iter(_outcomes(sort, these))
    except (ValueError, UnusualError):
        pass
    outcomes: list[Foreign | None] = []
    places = [place for place, own in enumerate(sorts) if own is sort]
    for place, each in zip(places, these, strict=True):
        try:
            outcomes += _outcomes(sort, [each])
        except (ValueError, UnusualError):
            outcomes.append(None)
            odd.add(place)
    return iter(outcomes)


def add(sums: Sums, sort: Sort, seen: list[Any], sorts: list[Sort], odd: set[int]) -> None:
    """Add the lines of one sort, but for those that are to be looked at slowly."""
    if sort.add is None and sort.check is nothing_else:
        return
    add = sort.add or _nothing
    try:
        if odd:
            rows = zip(seen, sorts, range(len(seen)), strict=True)
            these = [each for each, own, place in rows if own is sort and place not in odd]
        else:
            these = [each for each, own in zip(seen, sorts, strict=True) if own is sort]
        sort.check(these)
        add(sums, these)
    except (ValueError, UnusualError):
        for place, own in enumerate(sorts):
            if own is not sort or place in odd:
                continue
            try:
                sort.check([seen[place]])
                add(sums, [seen[place]])
            except (ValueError, UnusualError):
                odd.add(place)


def _nothing(_: Sums, __: object) -> None:
    """Add nothing of lines that are no outcomes."""


def _outcomes(sort: Sort, seen: list[Any]) -> Iterable[Foreign | None]:
    sort.check(seen)
    return [None] * len(seen) if sort.make is None else sort.make(seen)


def _is_unicode(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def content_of(line: bytes) -> dict[str, Any]:
    """The JSON object in a line that msgspec took."""
    try:
        content: dict[str, Any] = msgspec.json.decode(line)
    except (ValueError, RecursionError):  # a number beyond what floats hold
        return read_object(line)
    return content
