"""The steps that a process takes, each told as text, and the one at which it kills itself.

A step is the calls that the thread is in, outermost first, and the moment in the innermost, such
as ``queue.apply:3 > database.transaction:queue.db > all@commit``. So a pattern says where to die,
and the product needs no switch for it. In a pattern ``*`` is any text within one call, ``**`` any
text, ``#`` a number above zero.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BETWEEN = " > "
IDLE = "idle"
"""Where a process dies that has nothing to do and never came to its step."""


class Gate:
    """Kills its process at the n-th step that matches; steps of all threads are counted together.

    Args:
        pattern: For the whole step; ``""`` matches none.
        nth: Counted from 1.
        share: Of what a torn write puts into the file, more than 0 and less than 1.
        idle_looks: Die also after so many looks for work in vain, one after the other; 0: do not.
        tell: Told the step before the process dies.
    """

    def __init__(
        self,
        pattern: str,
        nth: int = 1,
        *,
        share: float = 0.5,
        idle_looks: int = 0,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._matches = re.compile(_expression(pattern)).fullmatch
        self._left = nth
        self._share = share
        self._idle_looks = idle_looks
        self._looks = 0
        self._tell = tell
        self._guard = threading.Lock()
        self._here = threading.local()

    @contextmanager
    def inside(self, call: str) -> Iterator[None]:
        """Name the call that this thread is in while the block runs."""
        path = self._path()
        self._here.path = f"{path}{call}{BETWEEN}"
        try:
            yield
        finally:
            self._here.path = path

    def reach(self, call: str, moment: str) -> None:
        """Take a step; do not return if it is the one to die at."""
        step = f"{self._path()}{call}@{moment}"
        if self._is_it(step):
            self.die(step)

    def tears(self, call: str, data: bytes) -> bytes | None:
        """The part of a write to put into the file before `die`; None to write all of it."""
        if len(data) > 1 and self._is_it(f"{self._path()}{call}@torn"):
            return data[: 1 + int(self._share * (len(data) - 1))]
        return None

    def look_for_work(self) -> None:
        """A worker looks for something to do."""
        with self._guard:
            self._looks += 1
            is_time = self._looks == self._idle_looks
        if is_time:
            self.die(IDLE)

    def has_worked(self) -> None:
        """It has found something."""
        with self._guard:
            self._looks = 0

    def die(self, step: str) -> None:
        """End the process as SIGKILL does."""
        self._tell(step)
        os.kill(os.getpid(), signal.SIGKILL)

    def _path(self) -> str:
        path: str = getattr(self._here, "path", "")
        return path

    def _is_it(self, step: str) -> bool:
        if self._matches(step) is None:
            return False
        with self._guard:
            self._left -= 1
            return self._left == 0


def _expression(pattern: str) -> str:
    expression = re.escape(pattern)
    for sign, meaning in ((r"\*\*", ".*"), (r"\*", "[^>]*"), (r"\#", "[1-9][0-9]*")):
        expression = expression.replace(sign, meaning)
    return expression
