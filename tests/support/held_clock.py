"""A clock that stands still until a test moves it."""

from __future__ import annotations


class HeldClock:
    """Both clocks, moved by hand."""

    def __init__(self, us: int = 1_764_000_000_000_000) -> None:
        self.us = us
        self.ns = 0

    def now_us(self) -> int:
        return self.us

    def monotonic_ns(self) -> int:
        return self.ns

    def move_s(self, seconds: float) -> None:
        self.us += int(seconds * 1_000_000)
        self.ns += int(seconds * 1_000_000_000)
