"""Opening files above the standard streams' numbers.

A program whose standard output was closed (by a handler, say) gets its number for the next file
that it opens; whatever is printed after that would go into the log. SQLite guards its files in the
same way (``SQLITE_MINIMUM_FILE_DESCRIPTOR``).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from events.filesystem.protocol import StrPath

FIRST = 3


def open_above(path: StrPath, flags: int, mode: int = 0o600) -> int:
    """As ``os.open``, but the descriptor is never 0, 1 or 2."""
    descriptor = os.open(path, flags, mode)
    if descriptor >= FIRST or sys.platform == "win32":
        return descriptor
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST)
    finally:
        os.close(descriptor)
