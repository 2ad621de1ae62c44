"""An event to stop at whose waits take no time: each is a step of the test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ScriptedEvent(threading.Event):
    """Each wait runs the next step; when there is none left, the event is set.

    Attributes:
        waits: The timeouts in seconds that were asked for.
    """

    def __init__(self, *steps: Callable[[], object]) -> None:
        super().__init__()
        self.waits: list[float | None] = []
        self._steps = list(steps)

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        if self._steps:
            self._steps.pop(0)()
        else:
            self.set()
        return self.is_set()
