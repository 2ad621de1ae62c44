"""How often each error type was seen, in bounded memory: a map from name to count.

Of more than ``MAX_ERROR_TYPES`` names, those of the smallest ranks keep their exact counts; the
rest are summed under ``OTHER_ERRORS``. The rank depends on the name alone, so a name that is
dropped from a part would have been dropped from the whole too, and merging stays associative. A
choice by count would not be: two merge trees of the same parts gave different results when tried.
"""

from __future__ import annotations

import heapq
from functools import lru_cache
from typing import TYPE_CHECKING

from worker.units import MAX_COUNT, check_count, less

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER_ERRORS = "(other)"
"""The name under which errors are summed whose own names are not kept."""

MAX_ERROR_TYPES = 1000
"""How many names are kept, beside ``OTHER_ERRORS``."""

MAX_ERROR_NAME = 200
"""The longest name that is kept, in characters."""

OWN_NAMES = frozenset(
    {
        "HandlerError",
        "HandlerResultError",
        "HandlerStopped",
        "HandlerTimeout",
        "PermanentError",
        "PlexNotFound",
        "TransientError",
        "WorkerLost",
        "unknown",
    },
)
"""The names that this program writes itself: they are always kept."""


@lru_cache(maxsize=4096)
def rank(name: str) -> tuple[bool, bytes, str]:
    """Where ``name`` stands: own names first, then by blake2b-64 of its UTF-8, then by itself."""
    from hashlib import blake2b  # only where there are too many names

    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (name not in OWN_NAMES, digest, name)


def check_name(name: str, value: object) -> str:
    """Answer ``value`` if it can be the name of an error type.

    Args:
        name: What the value is, for the error message.
        value: The error type.

    Raises:
        TypeError: It is no str.
        ValueError: It is empty.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be the name of an error type, not {type(value).__name__}")
    if not value:
        raise ValueError(f"{name} must not be empty")
    return str(value)


def check_counts(name: str, value: object) -> dict[str, int]:
    """Answer a bounded copy of ``value`` if it maps error types to counts.

    Raises:
        TypeError: It is no dict, a key is no str, or a count no int.
        ValueError: A key is empty, or a count is out of range.
    """
    if not isinstance(value, dict):
        shown = "null" if value is None else f"a {type(value).__name__}"
        raise TypeError(f"{name} must map error types to counts, not be {shown}")
    counts: dict[str, int] = {}
    add_counts(
        counts,
        {
            check_name(f"a key of {name}", key): check_count(f"{name}[{key[:80]!r}]", count)
            for key, count in value.items()
        },
    )
    return counts


def add_counts(counts: dict[str, int], more: Mapping[str, int]) -> None:
    """Add ``more`` to ``counts``, which stays within the bounds."""
    for name, count in more.items():
        kept = name if len(name) <= MAX_ERROR_NAME else OTHER_ERRORS
        counts[kept] = min(counts.get(kept, 0) + count, MAX_COUNT)
    excess = len(counts) - (OTHER_ERRORS in counts) - MAX_ERROR_TYPES
    if excess > 0:
        names = (name for name in counts if name != OTHER_ERRORS)
        displaced = sum(counts.pop(name) for name in heapq.nlargest(excess, names, key=rank))
        counts[OTHER_ERRORS] = min(counts.get(OTHER_ERRORS, 0) + displaced, MAX_COUNT)


def minus(whole: Mapping[str, int], part: Mapping[str, int]) -> dict[str, int]:
    """What was added to ``part`` to make ``whole``.

    A name that ``part`` kept may have been displaced since: its count is then within the
    ``OTHER_ERRORS`` of ``whole``, and is taken off there.
    """
    rest = {
        name: count - part.get(name, 0)
        for name, count in whole.items()
        if name != OTHER_ERRORS and count > part.get(name, 0)
    }
    summed = sum(n for name, n in part.items() if name == OTHER_ERRORS or name not in whole)
    other = less(whole.get(OTHER_ERRORS, 0), summed)
    return {**rest, OTHER_ERRORS: other} if other else rest
