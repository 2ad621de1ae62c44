"""Durations counted in buckets of fixed bounds, so that merging is exact.

Which bucket holds what, and what stands for it: `worker.buckets`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from worker.buckets import HIGHEST_INDEX, SCALE, bounds, representative_s
from worker.units import MAX_COUNT, NS_PER_S, add, check_count, less

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = ("zero", "sum_ns", "min_ns", "max_ns")


@dataclass(slots=True)
class Histogram:
    """A distribution of durations, 0 to 2^63 - 1 ns each; sums stop at 2^63 - 1.

    Merging is associative and commutative with ``Histogram()`` as identity, under ``==``.

    Attributes:
        counts: Bucket index to how many durations are in it; empty buckets are left out.
        zero: Durations of 0 ns.
        sum_ns: All durations together.
        min_ns: The shortest one; None when nothing was recorded.
        max_ns: The longest one; None when nothing was recorded.
    """

    counts: dict[int, int] = field(default_factory=dict)
    zero: int = 0
    sum_ns: int = 0
    min_ns: int | None = None
    max_ns: int | None = None

    @property
    def count(self) -> int:
        """How many durations were recorded."""
        return self.zero + sum(self.counts.values())

    def record(self, duration_ns: int) -> None:
        """Count one duration, from 0 to 2^63 - 1 ns."""
        place = bisect_left(bounds(), duration_ns)
        counts, zero = ({place - 2: 1}, 0) if place else ({}, 1)
        self.absorb(Histogram(counts, zero, duration_ns, duration_ns, duration_ns))

    def record_many(self, durations_ns: Sequence[int]) -> None:
        """Count many durations, each from 0 to 2^63 - 1 ns."""
        if not durations_ns:
            return
        # One pass in C: an interpreted loop costs more than the dozen comparisons of each search.
        places = Counter(map(partial(bisect_left, bounds()), durations_ns))
        zero = places.pop(0, 0)
        self.absorb(
            Histogram(
                {place - 2: count for place, count in places.items()},
                zero,
                sum(durations_ns),
                min(durations_ns),
                max(durations_ns),
            ),
        )

    def absorb(self, other: Histogram) -> None:
        """Add what ``other`` holds to this histogram."""
        counts = self.counts
        get = counts.get
        for index, count in other.counts.items():
            total = get(index, 0) + count
            counts[index] = total if total < MAX_COUNT else MAX_COUNT  # noqa: FURB136 (min() is slow, and the total over many streams spends its time here)
        self.zero = add(self.zero, other.zero)
        self.sum_ns = add(self.sum_ns, other.sum_ns)
        if other.min_ns is not None and (self.min_ns is None or other.min_ns < self.min_ns):
            self.min_ns = other.min_ns
        if other.max_ns is not None and (self.max_ns is None or other.max_ns > self.max_ns):
            self.max_ns = other.max_ns

    def merge(self, other: Histogram) -> Histogram:
        """Make a histogram of what both hold; neither is changed."""
        merged = self.copy()
        merged.absorb(other)
        return merged

    __add__ = merge

    def copy(self) -> Histogram:
        """Make an equal histogram that shares nothing with this one."""
        return Histogram(self.counts.copy(), self.zero, self.sum_ns, self.min_ns, self.max_ns)

    __copy__ = copy

    def minus(self, part: Histogram) -> Histogram:
        """What was added to ``part`` to make this histogram.

        Its shortest and longest are as near to those of the whole as its buckets allow: whether
        they came later is not known, and merged with ``part`` they give the whole again.
        """
        counts = {i: less(n, part.counts.get(i, 0)) for i, n in self.counts.items()}
        rest = Histogram(
            {i: n for i, n in counts.items() if n},
            less(self.zero, part.zero),
            less(self.sum_ns, part.sum_ns),
        )
        if rest.count and self.min_ns is not None and self.max_ns is not None:
            lowest, highest = rest.outermost()
            rest.min_ns = max(self.min_ns, bounds()[lowest - 1] + 1) if lowest else 0
            rest.max_ns = min(self.max_ns, (*bounds(), MAX_COUNT)[highest])
        return rest

    def outermost(self) -> tuple[int, int]:
        """The places in ``bounds()`` of the shortest and the longest duration's buckets."""
        places = [0] * (self.zero > 0) + [index + 2 for index in self.counts]
        return min(places), max(places)

    def quantile(self, q: float) -> float:
        """Tell the duration that a share ``q`` of what was recorded does not exceed.

        Nearest rank: of ``n`` durations in order, the ``r``-th with the smallest ``r`` for which
        ``r / n >= q``. The first and the last are exact, others within 0.5415 %, and none is
        outside the range of what was recorded.

        Args:
            q: From 0 to 1.

        Returns:
            Seconds; 0.0 when nothing was recorded.

        Raises:
            ValueError: ``q`` is outside 0 to 1, or NaN.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q must be from 0 to 1, not {q!r}")
        if self.min_ns is None or self.max_ns is None:
            return 0.0
        rank, count = _nearest_rank(q, self.count), self.count
        shortest, longest = self.min_ns / NS_PER_S, self.max_ns / NS_PER_S
        if rank <= max(self.zero, 1):
            return shortest
        if rank >= count:
            return longest
        below = self.zero
        for index in sorted(self.counts):
            below += self.counts[index]
            if below >= rank:
                return min(max(representative_s(index), shortest), longest)
        raise AssertionError("a rank up to the count lies in a bucket")

    def to_dict(self) -> dict[str, Any]:
        """Write it for JSON: whole numbers, buckets in order, 0 for no shortest and no longest."""
        return {
            "scale": SCALE,
            "zero": self.zero,
            "counts": {str(index): self.counts[index] for index in sorted(self.counts)},
            "sum_ns": self.sum_ns,
            "min_ns": self.min_ns or 0,
            "max_ns": self.max_ns or 0,
        }

    def __repr__(self) -> str:
        return f"Histogram(count={self.count}, min_ns={self.min_ns}, max_ns={self.max_ns})"


def read_histogram(name: str, value: object) -> Histogram:
    """Read what ``Histogram.to_dict`` wrote.

    Args:
        name: What the value is, for the error message.
        value: A JSON value.

    Raises:
        TypeError: Some part of it has the wrong type.
        ValueError: Some part of it cannot be, or does not agree with the others.
    """
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be an object, not {type(value).__name__}")
    if check_count(f"{name}.scale", value.get("scale")) != SCALE:
        raise ValueError(f"{name}.scale must be {SCALE}, not {value['scale']}")
    buckets = value.get("counts")
    if not isinstance(buckets, dict):
        raise TypeError(f"{name}.counts must be an object, not {type(buckets).__name__}")
    histogram = Histogram(
        _read_counts(f"{name}.counts", buckets),
        *(check_count(f"{name}.{key}", value.get(key)) for key in _NUMBERS),
    )
    if 0 in histogram.counts.values():
        raise ValueError(f"{name}.counts must leave out empty buckets")
    if histogram.count == 0:
        if (histogram.sum_ns, histogram.min_ns, histogram.max_ns) != (0, 0, 0):
            raise ValueError(f"{name} counts nothing, but has a sum or a range")
        return Histogram()
    for key, place in zip(("min_ns", "max_ns"), histogram.outermost(), strict=True):
        if bisect_left(bounds(), value[key]) != place:
            raise ValueError(f"{name}.{key} is not in its outermost bucket")
    if value["min_ns"] > value["max_ns"]:
        raise ValueError(f"{name}.min_ns is above {name}.max_ns")
    return histogram


def _read_counts(name: str, buckets: dict[Any, Any]) -> dict[int, int]:
    """Read the counts by bucket from a JSON object; fast, since a log may have many of them."""
    counts, known = {}, _indices()
    for key, count in buckets.items():
        index = known.get(key)
        if index is None or type(count) is not int or not 0 <= count <= MAX_COUNT:
            index = _read_index(name, key)
            check_count(f"{name}[{key[:20]!r}]", count)
        counts[index] = count
    return counts


@cache
def _indices() -> dict[str, int]:
    """The buckets by the keys of a JSON object."""
    return {str(index): index for index in range(-1, HIGHEST_INDEX + 1)}


def _read_index(name: str, key: object) -> int:
    """Read a bucket's index from the key of a JSON object."""
    if not isinstance(key, str) or not re.fullmatch("-1|0|[1-9][0-9]{0,3}", key):
        raise ValueError(f"{name} has a key that is no bucket")
    index = int(key)
    if index > HIGHEST_INDEX:
        raise ValueError(f"{name} has a bucket above the highest, {HIGHEST_INDEX}")
    return index


def _nearest_rank(q: float, count: int) -> int:
    """The smallest rank ``r`` for which ``r / count >= q``, at least 1.

    0.07 of 100 is the 7th: a float 0.07 is a little more than that, so the product would say 8.
    """
    numerator, denominator = q.as_integer_ratio()
    rank = -(-numerator * count // denominator)
    return max(rank - ((rank - 1) / count >= q), 1)
