"""What the worker raises, and what a handler raises to say how its attempt failed.

>>> from worker.errors import PermanentError, PlexNotFound, TransientError
"""

from __future__ import annotations

from events.errors import SyncStatsError


class WorkerError(SyncStatsError):
    """Something between the queue and the log that the caller can mend."""


class StatsError(WorkerError):
    """Stats, or a file of them, cannot be used as asked."""


class StorageError(WorkerError):
    """The data folder could not be written to for so long that the worker has given up."""


class HandlerSpecError(WorkerError):
    """A handler cannot be loaded: the message names its SPEC and how to mend it."""


class HandlerError(WorkerError):
    """An attempt failed. Raise one of its subclasses from a handler.

    Args:
        message: What went wrong, for people.
        error_type: The name under which the failure is recorded; None: the class's own name.
        retry_after_s: Seconds before which the job is not to be tried again, as a server's
            ``Retry-After`` says. It only ever lengthens the wait of the retry schedule; a value
            that is no time (negative, not finite) is ignored.

    Attributes:
        error_type: As above.
        retry_after_s: As above.
    """

    # Of the class too: a subclass of somebody's own may not call our __init__.
    error_type: str | None = None
    retry_after_s: float | None = None

    def __init__(
        self,
        message: str = "",
        *,
        error_type: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.retry_after_s = retry_after_s


class TransientError(HandlerError):
    """It may work later: the job is tried again on the ordinary retry schedule."""


class PlexNotFound(TransientError):  # noqa: N818 (recorded under this name, as its readers know it)
    """The item is not there yet: tried again on a longer schedule, and no fault of the server."""


class PermanentError(HandlerError):
    """It will never work: the job becomes a dead letter at once."""


class HandlerTimeout(TransientError):  # noqa: N818 (recorded under this name in the event log)
    """The attempt took longer than ``--timeout`` and was ended."""


class HandlerStopped(TransientError):  # noqa: N818 (it is a stop, and the worker records no failure)
    """The worker is stopping, so the attempt was ended or never begun: no fault of the job."""


class HandlerResultError(TransientError, TypeError):
    """A handler answered with something that is no outcome."""


def recorded_type(error: BaseException) -> str:
    """The name under which ``error`` is recorded: its own ``error_type``, else its class's name.

    Only errors of this module may rename themselves: an ``error_type`` attribute of somebody
    else's exception means something else.
    """
    if isinstance(error, HandlerError):
        name: object = error.error_type  # set by a handler, so it may be anything
        if isinstance(name, str) and name:
            return name
    return type(error).__name__
