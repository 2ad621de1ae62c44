"""Folding the same lines with the compiled kernel, by columns, and one by one."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from events.kernel.tallies import kernel
from projections.entry import LOOSE
from projections.fold import Fold
from projections.scanning import scan, scan_part, scan_plainly
from tests.support.tools import lack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projections.scanning import Scan

with_kernel = partial(scan, few_bytes=0)
"""The kernel also for few lines."""


by_columns = partial(scan_plainly, piece_bytes=1 << 12)
"""What stands in for the kernel where there is none, with pieces of few lines."""


def without_kernel(data: bytes, folder: str | None) -> None:
    """Each line is looked at by itself."""


def needs_kernel() -> None:
    """Skip where the kernel is not there; fail under CI."""
    if kernel() is None:
        lack("the compiled kernel is missing: install a C compiler and make .venv again")


Told = tuple[dict[str, bytes], dict[str, int], list[tuple[int, str]]]
"""The entries, the forks, and what was reported of which offset."""


def folded(
    blocks: Iterable[bytes], scan: Scan, *, folder: str | None = None, loose: str = LOOSE
) -> Told:
    """Fold blocks of lines one after the other, and tell all that came of it."""
    fold = Fold(scan=scan)
    problems: list[tuple[int, str]] = []

    def report(offset: int, reason: str) -> None:
        problems.append((offset, reason))

    offset = 0
    for data in blocks:
        fold.lines(data, offset, folder=folder, loose=loose, report=report)
        offset += len(data)
    return _entries(fold), fold.forks(), problems


def folded_file(
    data: bytes, cuts: Iterable[int], *, room: int, folder: str | None = None, loose: str = LOOSE
) -> Told:
    """Fold the lines of a file part after part, read through a buffer of ``room`` bytes."""
    fold = Fold()
    problems: list[tuple[int, str]] = []

    def report(offset: int, reason: str) -> None:
        problems.append((offset, reason))

    end = 0
    with TemporaryFile() as file:
        file.write(data)
        file.flush()
        places = sorted({0, *cuts, len(data)})
        for begin, upto in pairwise(places):
            part = scan_part(
                file.fileno(), begin, upto, folder, is_first=not begin, limit=len(data), room=room
            )
            assert part is not None
            assert part.offset == end, "lines are left out"
            text = partial(_text, data, part.offset)
            fold.groups(part.groups, text, part.offset, folder=folder, loose=loose, report=report)
            end = part.end
    assert end == len(data)
    return _entries(fold), fold.forks(), problems


def _text(data: bytes, offset: int, begin: int, end: int) -> bytes:
    return data[offset + begin : offset + end]


def _entries(fold: Fold) -> dict[str, bytes]:
    return {name: entry.to_bytes() for name, entry in fold.entries().items()}


def handed_back(data: bytes, folder: str | None = None, scan: Scan = with_kernel) -> list[bytes]:
    """What the kernel does not take."""
    scanned = scan(data, folder)
    assert scanned is not None
    lines, groups = scanned
    assert lines == data.count(b"\n")
    places: list[Any] = [0, *(group.end for group in groups)]
    assert places == [*(group.begin for group in groups), len(data)], "lines are left out"
    return [data[group.begin : group.end] for group in groups if group.runs is None]
