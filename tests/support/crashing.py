"""Programs on the file system in memory whose process dies at every step in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from tests.support.model_filesystem import ModelFileSystem
from tests.support.model_handles import Crashed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random

    from tests.support.model_disk import ModelDisk


class Copied(Protocol):
    """What a program tells of what it did."""

    def copy(self) -> Self:
        """One of its own."""
        ...


T = TypeVar("T", bound="Copied")


def deaths(
    program: Callable[[ModelFileSystem, T], object],
    disk: ModelDisk,
    told: T,
    *,
    begin: int = 1,
    fail_at: Mapping[int, int] | None = None,
    part: float = 0.4,
) -> Iterator[tuple[ModelFileSystem, T]]:
    """Run a program again and again, each time dying one step later; and in each write's middle.

    Args:
        program: What runs; it gets a file system and ``told``.
        disk: What it finds; each run has a copy.
        told: Where it tells what it did; each run has a copy.
        begin: The first step at which it dies.
        fail_at: Steps that fail.
        part: How much of a write is done when it dies in its middle, or the write fails.

    Yields:
        The dead process's file system, and what it had told. The last one did not die.
    """
    at, died = begin, True
    while died:
        for share in (0.0, part):
            fs = ModelFileSystem(disk.copy(), crash_at=at, part=share, fail_at=fail_at)
            mine = told.copy()
            died = dies(program, fs, mine)
            yield fs, mine
            if not died or fs.steps[-1][0] != "write":
                break
        at += 1


def dies(program: Callable[[ModelFileSystem, T], object], fs: ModelFileSystem, told: T) -> bool:
    """Run a program; say whether its process died."""
    try:
        program(fs, told)
    except Crashed:
        return True
    return False


def found_after(fs: ModelFileSystem, rng: Random, most: int) -> Iterator[ModelFileSystem]:
    """What is found after all processes died: by a restart, and by reboots after a power cut."""
    yield fs.after_kill()
    for _, later in fs.power_cuts(rng, most):
        yield later
