"""Steps of an engine in which an interrupt would leave processes behind: it waits for their end."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold signals that would raise back to the end of the block; the second one is not held back.

    Dask starts and ends processes in a thread of its own, for which the main thread waits. Where it
    is torn out of that, a process may stay, or the end is waited for without an end.
    """
    came: list[tuple[int, FrameType | None]] = []
    before: dict[int, Any] = {}

    def hold(number: int, frame: FrameType | None) -> None:
        came.append((number, frame))
        if len(came) > 1:
            before[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
        before |= {n: signal.getsignal(n) for n in numbers if callable(signal.getsignal(n))}
    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:  # also where the block failed: that may be what came of it
            number, frame = came[0]
            before[number](number, frame)


@contextmanager
def deaf() -> Iterator[None]:
    """Let threads and processes that are started meanwhile not hear of Ctrl-C, nor of a hang-up.

    A terminal tells all processes of it. It is this one that ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Undisturbed(ExitStack):
    """An exit stack that is not interrupted while it ends what it holds."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool:
        """End all."""
        with undisturbed():
            return bool(super().__exit__(kind, error, trace))
