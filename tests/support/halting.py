"""Threads that halt before each step that matters, until a test lets them go on or ends them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

NEVER_S = 120.0
"""No step takes so long; one that does waits for what never comes."""


class Killed(BaseException):
    """Ends a thread at a step, as SIGKILL ends a process: what comes after it is not done."""


class HaltingThread:
    """Runs a function that calls `halt` before each of its steps.

    Only one side runs at a time, so what happens does not depend on the machine's speed.

    Attributes:
        where: The step before which it halts; "" when it has ended.
    """

    def __init__(self, work: Callable[[HaltingThread], object]) -> None:
        self.where = "its start"
        self._work = work
        self._go = threading.Semaphore(0)
        self._halted = threading.Semaphore(0)
        self._killed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return not self.where

    def go_on(self) -> None:
        """Let it take the step before which it halts, up to the next one; raise what it raised."""
        self._go.release()
        if not self._halted.acquire(timeout=NEVER_S):
            raise AssertionError(f"stuck behind {self.where!r}")
        if self.is_over:
            self._thread.join(NEVER_S)
        if self._error is not None:
            raise self._error

    def kill(self) -> None:
        """End it where it is."""
        if not self.is_over:
            self._killed = True
            self.go_on()

    def halt(self, where: str) -> None:
        """Wait to be let go; called by the thread itself."""
        if not self._killed:  # else it is on its way out, and what asks is part of that
            self.where = where
            self._halted.release()
            self._go.acquire()
        if self._killed:
            raise Killed

    def _run(self) -> None:
        self._go.acquire()
        try:
            if not self._killed:
                self._work(self)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 -- raised again in the test's own thread
            self._error = error
        self.where = ""
        self._halted.release()


class Halting:
    """An object that is called through: before each call that is named, its thread halts.

    Args:
        inner: What is called.
        thread: The one that calls it.
        calls: The names.
    """

    def __init__(self, inner: Any, thread: HaltingThread, calls: Collection[str]) -> None:
        self._inner = inner
        self._thread = thread
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._inner, name)
        if name not in self._calls:
            return whole

        def call(*args: Any, **options: Any) -> Any:
            if args != ([],):  # no letters to insert: no step
                self._thread.halt(name)
            return whole(*args, **options)

        return call
