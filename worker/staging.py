"""Step 3 of the protocol, its beginning: what has finished becomes outcomes, staged in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.model import Succeeded
from worker.attempt import Failure, event_of
from worker.recorder import Ended

if TYPE_CHECKING:
    from collections.abc import Iterable

    from worker.breaker_watch import BreakerWatch
    from worker.pool import Finished
    from worker.recorder import Recorder


def stage(
    finished: Iterable[Finished],
    recorder: Recorder,
    breaker: BreakerWatch,
    *,
    winding_up: bool = False,
) -> bool:
    """Stage the outcomes of attempts, all those together after which nobody has anything to tell.

    Args:
        finished: The attempts.
        recorder: Takes their outcomes.
        breaker: Told of each that may change it; what it tells follows its cause in the log.
        winding_up: An attempt that was stopped by us is released with what did not end, and has
            no outcome.

    Returns:
        Whether one of them opened the breaker.
    """
    opened = False
    calm = breaker.is_calm
    ended: list[Ended] = []
    for done in finished:
        if winding_up and isinstance(done.result, Failure) and done.result.stopped:
            continue
        event = event_of(done.job, done.result, duration_ns=done.duration_ns, wait_ns=done.wait_ns)
        ended.append(Ended(done.job, event))
        if calm and isinstance(event, Succeeded):
            continue
        recorder.add_all(ended)
        ended = []
        opened |= breaker.ended(done, event)
        calm = breaker.is_calm
    recorder.add_all(ended)
    return opened
