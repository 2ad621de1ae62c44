"""What the peers that are written in Python share: ranges of a file, processes, the answer."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
BLOCK_BYTES = 1 << 20


def arguments() -> tuple[str, int]:
    """The file, and how many threads or processes work."""
    return sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1


def answer(found: object) -> None:
    """Print what was found, as one JSON object."""
    sys.stdout.write(json.dumps(found) + "\n")


def ranges(path: str, count: int) -> list[tuple[int, int]]:
    """Cut a file into so many ranges of whole lines, in bytes."""
    size = Path(path).stat().st_size
    ends = []
    with Path(path).open("rb") as file:
        for number in range(1, count):
            file.seek(size * number // count)
            file.readline()
            ends.append(file.tell())
    return list(zip([0, *ends], [*ends, size], strict=True))


def line_blocks(path: str, part: tuple[int, int]) -> Iterator[bytes]:
    """Give the lines of a range, about a megabyte at once."""
    at, end = part
    with Path(path).open("rb", buffering=0) as file:
        file.seek(at)
        rest = b""
        while at < end:
            data = file.read(min(BLOCK_BYTES, end - at))
            at += len(data)
            cut = data.rfind(b"\n") + 1
            yield rest + data[:cut]
            rest = data[cut:]


def over_ranges(work: Callable[[str, tuple[int, int]], T], path: str, processes: int) -> list[T]:
    """Work a file's ranges, each in a process of its own; a single one in this process."""
    parts = ranges(path, processes)
    if processes == 1:
        return [work(path, parts[0])]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(partial(work, path), parts))
