"""Asking a worker to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _nobody() -> None:
    """Nobody waits."""


class StopRequest:
    """Whether a worker shall stop. Any thread may ask, and a signal handler too: nothing locks.

    Attributes:
        asked: A graceful stop was asked for.
        at_once: What runs shall not be waited for.
        wake: Called when somebody asks: ends the wait of whoever waits. Must not lock either.
    """

    def __init__(self) -> None:
        self.asked = False
        self.at_once = False
        self.wake: Callable[[], None] = _nobody

    def ask(self, *, at_once: bool = False) -> None:
        """Ask for a stop. What was asked for is never taken back."""
        self.at_once = self.at_once or at_once
        self.asked = True
        self.wake()
