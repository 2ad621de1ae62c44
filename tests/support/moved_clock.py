"""A clock beside the machine's own, so that the age of real files can be told, moved by hand."""

from __future__ import annotations

import time


class MovedClock:
    """The wall clock is the machine's and what it was moved by; the other one is moved only."""

    def __init__(self) -> None:
        self.moved_ns = 0

    def now_us(self) -> int:
        return (time.time_ns() + self.moved_ns) // 1000

    def monotonic_ns(self) -> int:
        return self.moved_ns

    def move_s(self, seconds: float) -> None:
        self.moved_ns += int(seconds * 1_000_000_000)
