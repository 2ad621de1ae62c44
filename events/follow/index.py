"""Which of many files may hold the start of a text: told by what is kept of their first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.follow.tracked import Tracked


class Index:
    """The files, by the marks of their first bytes."""

    def __init__(self, files: Iterable[Tracked]) -> None:
        self._with: dict[tuple[int, int], list[Tracked]] = {}
        self._ending: dict[tuple[int, int], list[Tracked]] = {}
        self._short: list[Tracked] = []
        for file in files:
            self.add(file)

    def add(self, file: Tracked) -> None:
        """Take in a file, whose head is known."""
        if not file.head:
            self._short.append(file)
            return
        for place in enumerate(file.head):
            self._with.setdefault(place, []).append(file)
        self._ending.setdefault(place, []).append(file)

    def like(self, file: Tracked) -> Iterator[Tracked]:
        """Those whose first bytes agree with the file's, as far as both have them."""
        yield from self._short
        if not file.head:
            return
        *before, last = enumerate(file.head)
        for place in before:
            yield from self._ending.get(place, ())
        yield from self._with.get(last, ())


def may_agree(file: Tracked, other: Tracked, head: bytes) -> bool:
    """Whether what is kept of the other file's first bytes leaves open that both begin alike."""
    size = min(len(file.first), len(other.first))
    if file.first[:size] != other.first[:size]:
        return False
    offset = other.meter.offset
    return other.gone or not 0 < offset <= len(head) or crc32(head[:offset]) == other.meter.crc
