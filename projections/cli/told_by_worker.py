"""Printing what a worker tells: while it works, and what it leaves at its end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from projections.cli.output import moment, note, plural, say, stdout
from worker.listener import WorkerListener

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from worker.processor import WorkerReport


class Listener(WorkerListener):
    """Prints what a worker tells: summaries on stdout, notices on stderr.

    It never raises: what cannot be told does not end a worker in the midst of its jobs. Where
    summaries have nowhere to go (closed, a full disk) that is said once and jobs go on; only when
    their reader has gone, as in ``syncstats run | head``, the worker is asked to stop.

    Attributes:
        reader_gone: Called when the reader of the summaries has gone.
        error: How that showed.
        muted: Whether nothing can be printed on stdout any more.
    """

    def __init__(self) -> None:
        self.reader_gone: Callable[[], None] = _nothing
        self.error: BrokenPipeError | None = None
        self.muted = False

    def notice(self, text: str) -> None:
        """Print one notice, if that can be done."""
        with suppress(Exception):  # a handler may have put anything in the stream's place
            note(f"syncstats: {text}")

    def summary(self, lines: list[str]) -> None:
        """Print a summary, at once: a log collector shall not wait for a full buffer."""
        if self.muted:
            return
        try:
            for line in lines:
                say(line)
            stdout().flush()
        except BrokenPipeError as error:
            self.muted = True
            self.error = error
            self.reader_gone()
        except Exception as error:  # noqa: BLE001  # a handler may have put anything in its place
            self.muted = True
            self.notice(f"summaries cannot be printed: {error}; jobs go on, and so does the log")
            with suppress(Exception):  # what is buffered can go nowhere
                os.dup2(os.open(os.devnull, os.O_WRONLY), stdout().fileno())


def _nothing() -> None:
    """Nobody is to be told."""


def tell_what_is_left(report: WorkerReport, data: Path) -> None:
    """Say what is left, so that nobody takes a drained queue for an empty one.

    Args:
        report: What a worker has ended with.
        data: The data folder, as it was given.
    """
    left = report.left
    if report.interrupted:
        say(f"{plural(report.interrupted, 'job')} did not end within the grace and will run again.")
    if left.paused and (left.due or left.scheduled):
        say(f"The queue is paused with {plural(left.due + left.scheduled, 'job')} waiting.")
    elif left.due:
        say(f"{plural(left.due, 'job')} wait{'s' if left.due == 1 else ''} in {data}.")
    if left.scheduled and left.next_due_at_us is not None and not left.paused:
        say(
            f"{plural(left.scheduled, 'job')} wait{'s' if left.scheduled == 1 else ''} for later, "
            f"the next at {moment(left.next_due_at_us)}."
        )
