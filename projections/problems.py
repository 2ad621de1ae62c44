"""What is told of places in a log that could not be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Problem:
    """A place in a log that could not be believed, or not yet.

    Attributes:
        source: The file.
        line: The line's number in it, from 1; None where reading began in the middle.
        offset: The line's first byte, counted in the uncompressed text.
        reason: What is wrong.
        incomplete: The line has no end yet: it is not counted, and may still be written.
    """

    source: str
    line: int | None
    offset: int
    reason: str
    incomplete: bool = False

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.source}{line}, byte {self.offset}: {self.reason}"


def nothing(_: object) -> None:
    """Take a problem, or a count of bytes, and do nothing with it."""


class Numbered:
    """Keeps what is reported of some lines until it can be told in their order, with their numbers.

    Args:
        source: The file.
        line: The number of the next line; None where it is not known.
        problem: Told of what was reported.

    Attributes:
        line: As above.
    """

    def __init__(self, source: str, line: int | None, problem: Callable[[Problem], None]) -> None:
        self.line = line
        self._source = source
        self._problem = problem
        self._found: list[tuple[int, str]] = []

    def report(self, offset: int, reason: str) -> None:
        """Take an invalid line's offset, and what is wrong with it."""
        self._found.append((offset, reason))

    def tell(self, offset: int, lines: int, ends_before: Callable[[int], int]) -> None:
        """Tell what was reported of the next lines.

        Args:
            offset: Where they begin.
            lines: How many they are.
            ends_before: Counts the line ends in so many bytes of them.
        """
        for at, why in sorted(self._found, key=_place):
            # One that began before them is told without its number.
            known = self.line is not None and at >= offset
            line = (self.line or 0) + ends_before(at - offset) if known else None
            self._problem(Problem(self._source, line, at, why))
        self._found.clear()
        if self.line is not None:
            self.line += lines


def _place(found: tuple[int, str]) -> int:
    return found[0]
