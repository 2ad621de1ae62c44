"""Signals that ask a command to end, where it has something to do before it does.

A worker and an ingestion save their stats; a replay on processes of its own ends them.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STOPPING = b"syncstats: stopping: what runs may end within --grace (once more ends at once)\n"


class Stops(Protocol):
    """What is asked to stop: a worker."""

    def stop(self, *, at_once: bool = False) -> None:
        """Stop; called from a signal handler."""
        ...


class Signals:
    """Counts the signals that ask for a stop, and passes them on to the worker once there is one.

    The first asks for a graceful stop, the second for one at once. Later ones change nothing:
    what is left to do then, releasing jobs and saving the stats, is short and shall be done.
    """

    def __init__(self, said: bytes = STOPPING) -> None:
        self._said = said
        self._count = 0
        self._worker: Stops | None = None

    def pass_to(self, worker: Stops) -> None:
        """Let a worker hear of the signals, those that came before included."""
        self._worker = worker
        if self._count:
            worker.stop(at_once=self._count > 1)

    def receive(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Handle a signal. It may come at any moment, so this neither locks nor raises."""
        self._count += 1
        if self._worker is not None:
            self._worker.stop(at_once=self._count > 1)
        if self._count == 1 and self._said:
            with suppress(OSError):  # not print(): the signal may have come in the midst of one
                os.write(2, self._said)


@contextmanager
def stopping_signals(said: bytes = STOPPING) -> Iterator[Signals]:
    """Handle SIGTERM and SIGINT while the block runs.

    Args:
        said: What the first one is answered with on stderr.
    """
    signals = Signals(said)
    before = {
        number: signal.signal(number, signals.receive) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as an interrupt does, so that it ends what it started.

    Raises:
        SystemExit: One came; with the status that a shell shows of who dies of it.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    hangup = getattr(signal, "SIGHUP", signal.SIGTERM)  # Windows has none
    before = {
        number: signal.signal(number, end)
        for number in {signal.SIGTERM, hangup}
        if signal.getsignal(number) not in (signal.SIG_IGN, None)  # `nohup` keeps its promise
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
