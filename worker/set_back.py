"""When the wall clock was set back: jobs that were due already are not to wait for it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.retry import MAX_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.clock import Clock
    from sync_queue.queue import JobQueue

LOOK_EVERY_S = 60.0
"""It can be set back at any time, so an idle worker looks again after so many seconds."""


class SetBack:
    """Brings forward what waits for a time that is only there because the clock was wrong.

    Args:
        queue: The jobs.
        clock: The monotonic clock paces the looks.
        notice: Told when there was something.
    """

    def __init__(self, queue: JobQueue, clock: Clock, notice: Callable[[str], None]) -> None:
        self._queue = queue
        self._clock = clock
        self._notice = notice
        self._next_ns = clock.monotonic_ns()

    def look(self) -> bool:
        """For a worker with nothing to do: say whether jobs were brought forward.

        Raises:
            QueueError: The queue cannot be written to.
        """
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._next_ns:
            return False
        brought = self._queue.bring_forward(round(MAX_WAIT_S * 1e6))
        self._next_ns = now_ns + round(LOOK_EVERY_S * 1e9)
        if brought:
            self._notice(
                f"the clock was set back: {brought} job{'' if brought == 1 else 's'} waited for a "
                "time that it had shown already, and wait for that no longer"
            )
        return bool(brought)
