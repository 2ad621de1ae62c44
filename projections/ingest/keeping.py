"""The loop of an ingestion: look, take, save at most once a second, until it is asked to stop."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, BinaryIO, Protocol

from projections.errors import SaveError, SourceError
from projections.ingest.names import STDIN_NAME
from projections.ingest.standard_input import Given, Item, StandardInput
from projections.problems import Problem, nothing
from projections.sources import STDIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.clock import Clock
    from projections.ingest.ingestion import Ingestion

SAVE_EVERY_S = 1.0
_NS = 10**9


class Waits(Protocol):
    """What is asked of a watch besides, see `events.follow.watch.Watch`."""

    def wait_s(self) -> float:
        """Seconds until something is to be looked at again."""
        ...

    def settle(self) -> bool:
        """Whether something is still undecided."""
        ...


class Keeping:
    """Runs an ingestion.

    Args:
        ingestion: What takes the lines and saves.
        watch: Where they come from.
        clock: Paces the saving.
        stdin: Standard input, if its lines are wanted too.
        failed: Told, once until it succeeds again, why the state cannot be saved.
        mended: Called when it has succeeded again.
        problem: Told of an unfinished last line on standard input.
        every_s: Seconds between two saves.

    Attributes:
        stopped: It was asked to stop.
    """

    def __init__(
        self,
        ingestion: Ingestion,
        watch: Waits,
        *,
        clock: Clock,
        stdin: BinaryIO | None = None,
        failed: Callable[[SaveError], None] = nothing,
        mended: Callable[[], object] = lambda: None,
        problem: Callable[[Problem], None] = nothing,
        every_s: float = SAVE_EVERY_S,
    ) -> None:
        self.stopped = False
        self._ingestion = ingestion
        self._watch = watch
        self._clock = clock
        self._failed = failed
        self._mended = mended
        self._problem = problem
        self._every_ns = round(every_s * _NS)
        self._tried_ns = clock.monotonic_ns()
        self._told = False
        # Its `put` takes no lock that the thread it interrupts may hold: a signal handler may call.
        self._inbox: SimpleQueue[Item | None] = SimpleQueue()
        self._stdin = None if stdin is None else StandardInput(stdin, self._inbox.put)
        self._reading = self._stdin is not None

    def stop(self, *, at_once: bool = False) -> None:  # noqa: ARG002  # there is one way to end
        """Ask for the end: what was read is saved. Any thread may, and a signal handler."""
        self.stopped = True
        self._inbox.put(None)

    def pass_over(self) -> None:
        """Take what there is now for read, and count nothing of it.

        Raises:
            SaveError: The state cannot be saved.
            WatchError: The files cannot be followed.
        """
        more = True
        while more and not self.stopped:
            self._ingestion.pass_over()
            more = self._watch.settle()
            if more:
                self._wait(self._watch.wait_s())
        self._ingestion.save()

    def read_once(self) -> None:
        """Take all that there is, standard input to its end.

        Raises:
            SourceError: Standard input cannot be read any longer; `end` saves what was.
            WatchError: The files cannot be followed any longer; likewise.
        """
        if self._stdin is not None:
            self._stdin.start()
        more = True
        while more and not self.stopped:
            self._look()
            more = self._watch.settle()
            if more:
                self._wait(self._watch.wait_s())
        while self._reading and not self.stopped:
            self._wait(self._every_ns / _NS)
            self._save_if_due()

    def follow(self, only_stdin: bool) -> None:
        """Take what there is and what comes, until asked to stop, or standard input's end.

        Raises:
            SourceError: Standard input cannot be read any longer; `end` saves what was.
            WatchError: The files cannot be followed any longer; likewise.
        """
        if self._stdin is not None:
            self._stdin.start()
        while not self.stopped and (self._reading or not only_stdin):
            self._look()
            self._save_if_due()
            left_ns = self._tried_ns + self._every_ns - self._clock.monotonic_ns()
            self._wait(max(min(self._watch.wait_s(), left_ns / _NS), 0))

    def end(self) -> list[str]:
        """Take what was handed over already, and save.

        Returns:
            The logs whose format is not known: nothing of them was counted.

        Raises:
            SaveError: The state cannot be saved; what was read since is read again by the next run.
        """
        while self._take_item(0):
            pass
        unrecognised = self._ingestion.unrecognised
        if self._stdin is not None:
            self._ingestion.finish(STDIN)
        self._ingestion.save(last=True)
        return unrecognised

    def _look(self) -> None:
        for _ in self._ingestion.look():
            self._save_if_due()
            if self.stopped:
                return

    def _wait(self, seconds: float) -> None:
        """Wait for lines on standard input, or to be asked to stop."""
        if self._take_item(seconds):
            while self._take_item(0):
                self._save_if_due()

    def _take_item(self, seconds: float) -> bool:
        """Take what was handed over, if anything is; being asked to stop is something."""
        try:
            item = self._inbox.get(block=seconds > 0, timeout=seconds)
        except Empty:
            return False
        if item is None:
            return True
        if isinstance(item, Exception):
            self._reading = False
            raise SourceError(f"{STDIN_NAME} cannot be read: {_reason(item)}") from item
        if isinstance(item, int):
            self._reading = False
            if item:
                why = f"the last line is incomplete ({item} bytes without an end of line)"
                self._problem(Problem(STDIN_NAME, None, 0, why, incomplete=True))
            return True
        self._ingestion.take(Given(item))
        if self._stdin is not None:
            self._stdin.taken()
        return True

    def _save_if_due(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns - self._tried_ns < self._every_ns:
            return
        self._tried_ns = now_ns
        self._ingestion.tell_overdue(now_ns)
        try:
            self._ingestion.save()
        except SaveError as error:
            if not self._told:
                self._told = True
                self._failed(error)
            return
        if self._told:
            self._told = False
            self._mended()


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"{type(error).__name__}: {error}"
