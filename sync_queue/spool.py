"""Rows that arrive slowly, set aside before a transaction takes the database's write lock."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import orjson

from sync_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_FEW = 500  # rows that are simply kept
_IN_MEMORY_BYTES = 8 << 20
_LINE = orjson.OPT_APPEND_NEWLINE


@contextmanager
def spooled(rows: Iterable[tuple[Any, ...]], folder: Path) -> Iterator[Iterable[Sequence[Any]]]:
    """Read ``rows`` to the end, in bounded memory, and yield what gives them again, once.

    A pipe may take minutes to deliver; a write lock held that long would fail every worker.

    Args:
        rows: Tuples of text (that has UTF-8), integers of 64 bits and None.
        folder: Where a file without a name is made if they are many.

    Raises:
        QueueError: The file cannot be written (the disk is full) or read.
    """
    source = iter(rows)
    few = list(islice(source, _FEW + 1))
    if len(few) <= _FEW:
        yield few
        return
    import tempfile

    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=str(folder)) as file:
        while few:
            with _told(folder):
                file.writelines(orjson.dumps(row, option=_LINE) for row in few)
            few = list(islice(source, _FEW))
        yield _again(file, folder)


def _again(file: IO[bytes], folder: Path) -> Iterator[Sequence[Any]]:
    with _told(folder):
        file.seek(0)
        yield from map(orjson.loads, file)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise QueueError(
            f"{folder}: the jobs cannot be set aside there before they are added ({error});"
            " free some space, or enqueue them in parts"
        ) from error
