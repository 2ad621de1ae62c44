"""Whom to look at now: of many, who gave something lately, and a few of the others in turn."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

Item = TypeVar("Item", bound="Hashable")

LATELY = 200
"""For so many looks after it gave something, an item is looked at each time."""


class InTurn(Generic[Item]):
    """Shares out looks, so that one costs about the same however many items there are.

    Few items are all looked at each time.

    Args:
        lately: For how many looks an item that gave something does not rest.
    """

    def __init__(self, lately: int = LATELY) -> None:
        self._lately = lately
        self._items: deque[Item] = deque()
        self._awake: dict[Item, int] = {}  # until which look
        self._looks = 0

    def set(self, items: Iterable[Item]) -> None:
        """These are all that there are now; those that were there keep their turns."""
        there = dict.fromkeys(items)
        self._awake = {item: until for item, until in self._awake.items() if item in there}
        self._items = deque(item for item in self._items if item in there)
        known = set(self._items)
        self._items.extend(item for item in there if item not in known)

    def woke(self, item: Item) -> None:
        """It gave something, or may do so soon."""
        self._awake[item] = self._looks + self._lately

    def next(self, at_once: int) -> list[Item]:
        """Those to be looked at now, each once.

        Args:
            at_once: How many of those that rest, at most.
        """
        self._looks += 1
        if len(self._items) <= at_once:
            return list(self._items)
        if self._awake:
            self._awake = {
                item: until for item, until in self._awake.items() if until >= self._looks
            }
        resting = [item for item in islice(self._items, at_once) if item not in self._awake]
        self._items.rotate(-at_once)
        return [*self._awake, *resting]
