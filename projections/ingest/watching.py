"""What an ingestion asks of a watch, and what it makes of its errors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from projections.errors import WatchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from events.follow.record import FileRecord
    from events.log.reader import Block, Overlong


class Read(Protocol):
    """Lines that a watch gives, see `events.follow.watch.Read`."""

    @property
    def log(self) -> str:
        """The key of their log."""
        ...

    @property
    def path(self) -> Path:
        """Where they stand."""
        ...

    @property
    def block(self) -> Block | Overlong:
        """The lines."""
        ...

    @property
    def text(self) -> object:
        """Stands for the text that they are of."""
        ...

    @property
    def before(self) -> FileRecord | None:
        """What was to be saved of their file before them; None: nothing ever is."""
        ...


class Watch(Protocol):
    """What is asked of `events.follow.watch.Watch`."""

    def look(self) -> Iterator[Read]:
        """Give what is there and was not given before."""
        ...

    def texts(self) -> list[tuple[object, FileRecord]]:
        """Tell how far each file was given, with what stands for its text."""
        ...

    def sync(self) -> None:
        """Bring what was given to the disk."""
        ...

    @property
    def searched_us(self) -> int | None:
        """When files were last searched for, in microseconds since 1970; None: never."""
        ...


def reads_of(watch: Watch) -> Iterator[Read]:
    """Give what a watch gives now.

    Raises:
        WatchError: The files cannot be followed any longer; what was given may be saved.
    """
    reads = watch.look()
    while True:
        try:
            read = next(reads, None)
        except OSError as error:
            where = "" if error.filename is None else f" (at {os.fsdecode(error.filename)})"
            raise WatchError(
                f"the logs cannot be read on: {error.strerror or error}{where}; start it again"
            ) from error
        if read is None:
            return
        yield read
