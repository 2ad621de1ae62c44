"""Standard input, read by a thread, since it may give nothing for long."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from events.log.reader import Block, BlockReader, Overlong
from projections.ingest.names import STDIN_NAME
from projections.sources import STDIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.follow.record import FileRecord

_AHEAD = 4  # blocks that were read and not yet taken
Item = Block | Overlong | Exception | int
"""Lines; the error, whatever it is, that ended the reading; or, at the end, the bytes of an
unfinished last line."""


class Given(NamedTuple):
    """Lines of standard input, as what a watch gives (`projections.ingest.watching.Read`)."""

    block: Block | Overlong
    log: str = STDIN
    path: Path = Path(STDIN_NAME)
    text: object = STDIN
    before: FileRecord | None = None


class StandardInput:
    """Hands lines on as they come.

    Args:
        file: Standard input. It is read without a buffer of Python's: a thread that waits in one
            would hold its lock when the program ends.
        put: Takes each item; at most a few are put before `taken` is called.
    """

    def __init__(self, file: BinaryIO, put: Callable[[Item], None]) -> None:
        self._file: BinaryIO = getattr(file, "raw", file)
        self._put = put
        self._room = threading.Semaphore(_AHEAD)
        self._thread = threading.Thread(target=self._read, name="stdin", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def taken(self) -> None:
        """Say that an item was taken."""
        self._room.release()

    def _read(self) -> None:
        try:
            last = self._read_to_the_end()
        except Exception as error:  # noqa: BLE001 - who waits for its end would wait for ever
            self._put(error)
        else:
            self._put(last)

    def _read_to_the_end(self) -> int:
        """Hand all lines on; give the bytes of an unfinished last one."""
        with suppress(OSError):  # not everything that is read has a descriptor
            # Who gave it may have made it so that "nothing yet" looks like its end.
            os.set_blocking(self._file.fileno(), True)
        reader = BlockReader(self._file)
        for block in reader:
            self._room.acquire()
            self._put(block)
        return reader.incomplete
