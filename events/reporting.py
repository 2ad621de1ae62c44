"""How those who read lines are told of the ones that are invalid."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Called for each invalid line."""

    def __call__(self, offset: int, reason: str) -> None:
        """Take the line's place (bytes from the start of its file) and what is wrong with it."""
        ...


def ignore(offset: int, reason: str) -> None:  # the shape of a Report
    """Report nothing: the count alone is wanted."""


def too_long(length: int) -> str:
    """What is wrong with a line of so many bytes."""
    return f"the line is {length} bytes long, more than the limit of 1 MiB"
