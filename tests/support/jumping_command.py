"""`syncstats`, with a wall clock that jumps: ``python -m tests.support.jumping_command run …``.

The file ``clock`` in the current folder says by how many seconds it is wrong, and may change at any
time. (libfaketime 0.9.10 cannot: without it faking the monotonic clock too, Python's sleeps fail.)
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

from events.clock import SystemClock
from projections.cli import working
from projections.cli.main import main

FILE = "clock"


class JumpingClock(SystemClock):
    """The machine's clocks, the wall clock wrong."""

    def __init__(self) -> None:
        self._path = Path(FILE).absolute()

    def now_us(self) -> int:
        return super().now_us() + int(self._path.read_text()) * 1_000_000


if __name__ == "__main__":
    with patch.object(working, "SystemClock", JumpingClock):
        sys.exit(main())
