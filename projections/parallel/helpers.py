"""Processes that tally parts of files, where no compiled kernel releases the GIL.

Not those of `multiprocessing`: started anew they would run the main module of whoever uses this
package once more, and forked they are unsafe beside threads. These know no more than they are
asked, and end with the socket over which that is done, also when their parent is killed.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING

from projections.scanning import Group, Part

if TYPE_CHECKING:
    from projections.parallel.helper import Helper

WORTH_BYTES = 32 << 20
"""With less to read, starting them takes longer than they save."""


class Helpers:
    """Helping processes, which are started as they are needed, and have to be ended.

    Args:
        size: How many bytes they are to read. If that is too little, none is started.
        worth_bytes: What is not too little.
    """

    def __init__(self, size: int, worth_bytes: int = WORTH_BYTES) -> None:
        self._all: list[Helper] = []
        self._idle: deque[Helper] = deque()
        self._has_ended = False
        # Open files cannot be given to other processes elsewhere.
        can_start = sys.platform != "win32" and bool(sys.executable)
        self._may_start = can_start and size >= worth_bytes
        # Loaded here, not by the threads that need it: an interrupt that comes while their caller
        # loads something can leave the lock of imports taken, for which they would wait for ever.
        from projections.parallel.helper import Helper
        from projections.parallel.helping import Order
        from projections.parallel.plain_part import tally_part

        self._helper = Helper
        self._order = Order
        self._tally_part = tally_part

    @property
    def may_start(self) -> bool:
        """Whether one would be started now."""
        return self._may_start

    def close(self) -> None:
        """End them, whatever they are at."""
        self._may_start = False
        self._has_ended = True
        for helper in self._all:
            helper.end()
        self._all.clear()
        self._idle.clear()

    @property
    def pids(self) -> list[int]:
        """The processes that were started."""
        return [helper.pid for helper in self._all]

    def scan_part(
        self, file: int, begin: int, upto: int, folder: str | None, *, is_first: bool, limit: int
    ) -> Part | None:
        """Have a part tallied by a process, or else here; see `plain_part.tally_part`.

        Not in more threads than processes are wanted.
        """
        helper = self._take()
        if helper is not None:
            try:
                part = helper.ask(file, self._order(begin, upto, folder, is_first, limit))
            except (EOFError, OSError, ValueError):
                if self._has_ended:  # nobody waits for it any more
                    raise
                self._may_start = False  # another one would fare alike
            else:
                self._idle.append(helper)
                return part
        found = self._tally_part(file, begin, upto, folder, is_first=is_first, limit=limit)
        if found is None:
            return None
        first, last, lines, groups = found
        return Part(first, last, lines, [*map(Group._make, groups)])

    def _take(self) -> Helper | None:
        """One that has nothing to do; None if there is none, and none can be started."""
        try:
            return self._idle.popleft()
        except IndexError:
            if not self._may_start:
                return None
        try:
            helper = self._helper()
        except OSError:
            self._may_start = False
            return None
        self._all.append(helper)
        return helper
