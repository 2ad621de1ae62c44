"""The times of files by a clock that is moved by hand, so that their age is what a test says."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.held_clock import HeldClock

LONG_AGO_US = 1_000_000_000_000_000
"""2001-09-09. Where the clock starts, so that the machine's time is told from its own."""

_TICK_S = 0.001


def stamp(folder: Path, clock: HeldClock) -> None:
    """Let the clock tick, and what was written since it was last called have been written now.

    Args:
        folder: All files in it are meant, in its folders, too.
        clock: It started at `LONG_AGO_US`.
    """
    clock.move_s(_TICK_S)
    now_ns = clock.now_us() * 1000
    for path in folder.rglob("*"):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_mtime_ns > now_ns:
            os.utime(path, ns=(now_ns, now_ns))
