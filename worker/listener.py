"""Who is told what a worker does."""

from __future__ import annotations


class WorkerListener:
    """Hears what a worker does; the methods do nothing, override what is wanted.

    They are called on the worker's own thread, so they hold it up while they run.
    """

    def notice(self, text: str) -> None:
        """Something worth a line to whoever watches."""

    def summary(self, lines: list[str]) -> None:
        """The readable summary, every so many outcomes and at the end."""
