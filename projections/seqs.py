"""Sets of sequence numbers, kept as intervals: which events of a stream have been seen."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Span = tuple[int, int]
"""Seqs from the first up to, and without, the second."""


class SeqSet:
    """A mutable set of integers >= 0, stored as sorted half-open spans that do not touch.

    A log read in order is one span whatever its length. What is added does not depend on the
    order of adding.

    >>> seqs = SeqSet([(0, 2)])
    >>> seqs.add(3), seqs.add(3), seqs.spans()
    (True, False, ((0, 2), (3, 4)))
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in spans:
            if start < 0 or end <= start or (self._ends and start <= self._ends[-1]):
                raise ValueError(f"spans must be sorted, apart and not empty: {start}..{end}")
            self._starts.append(start)
            self._ends.append(end)

    def add(self, seq: int) -> bool:
        """Add ``seq``; say whether it is new."""
        starts, ends = self._starts, self._ends
        if ends and seq == ends[-1]:  # the usual case: the next line of a log
            ends[-1] = seq + 1
            return True
        i = bisect_right(starts, seq)
        if i and seq < ends[i - 1]:
            return False
        joins_left = i > 0 and ends[i - 1] == seq
        joins_right = i < len(starts) and starts[i] == seq + 1
        if joins_left and joins_right:
            ends[i - 1] = ends[i]
            del starts[i], ends[i]
        elif joins_left:
            ends[i - 1] = seq + 1
        elif joins_right:
            starts[i] = seq
        else:
            starts.insert(i, seq)
            ends.insert(i, seq + 1)
        return True

    def add_span(self, first: int, end: int) -> None:
        """Add the numbers from ``first`` up to, and without, ``end``."""
        starts, ends = self._starts, self._ends
        if ends and first == ends[-1]:  # the usual case: the next lines of a log
            ends[-1] = end
            return
        # Those that it joins or covers: from the first that does not end before it, to the last
        # that does not begin behind it.
        i, j = bisect_left(ends, first), bisect_right(starts, end)
        if i < j:
            first, end = min(first, starts[i]), max(end, ends[j - 1])
        starts[i:j] = [first]
        ends[i:j] = [end]

    def covered(self, first: int, end: int) -> int:
        """How many of the numbers from ``first`` up to, and without, ``end`` are in the set."""
        starts, ends = self._starts, self._ends
        i = bisect_right(ends, first)
        count = 0
        while i < len(starts) and starts[i] < end:
            count += min(ends[i], end) - max(starts[i], first)
            i += 1
        return count

    def __contains__(self, seq: int) -> bool:
        i = bisect_right(self._starts, seq)
        return i > 0 and seq < self._ends[i - 1]

    def __iter__(self) -> Iterator[Span]:
        return zip(self._starts, self._ends, strict=True)

    @property
    def end(self) -> int:
        """One more than the greatest number in the set; 0 when it is empty."""
        return self._ends[-1] if self._ends else 0

    def spans(self) -> tuple[Span, ...]:
        """The spans, as a value."""
        return tuple(self)


def union(a: Iterable[Span], b: Iterable[Span]) -> tuple[Span, ...]:
    """The spans that cover what ``a`` or ``b`` cover."""
    merged: list[Span] = []
    for start, end in sorted((*a, *b)):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def size(spans: Iterable[Span]) -> int:
    """How many numbers ``spans`` cover."""
    return sum(end - start for start, end in spans)


def overlap(a: Iterable[Span], b: Iterable[Span]) -> int:
    """How many numbers both ``a`` and ``b`` cover.

    >>> overlap([(0, 5), (8, 9)], [(3, 9)])
    3
    """
    one, other = tuple(a), tuple(b)
    return size(one) + size(other) - size(union(one, other))


def holes(spans: Iterable[Span]) -> tuple[Span, ...]:
    """What is missing between 0 and the end of ``spans``: a stream's gaps.

    >>> holes([(1, 3), (5, 6)])
    ((0, 1), (3, 5))
    """
    missing: list[Span] = []
    expected = 0
    for start, end in spans:
        if start > expected:
            missing.append((expected, start))
        expected = end
    return tuple(missing)
