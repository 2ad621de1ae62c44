"""How much is remembered of what is gone, so that a state does not grow for ever.

Logs of containers come and go, and each would leave its mark. A file that is gone is remembered
because it may come again: compressed, copied, restored. That is soon, or never; so the files that
went last are kept, and the logs likewise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.follow.tracked import FileState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.follow.tracked import Tracked

MOST_GONE_OF_A_LOG = 100
"""How many files of one log that are gone are remembered."""
MOST_GONE = 10_000
"""How many of all logs."""
MOST_EMPTY = 1_000
"""How many logs are known that are gone, and of which no file is remembered."""


def to_forget(gone: Iterable[Tracked], hidden: int) -> Iterator[Tracked]:
    """Give, of the files that are gone, those that are not remembered any longer.

    Args:
        gone: The files; `Tracked.lost` says in which order they went.
        hidden: How many paths cannot be looked at just now: as many files may only seem gone.
    """
    counts: dict[str, int] = {}
    kept = 0
    for file in sorted(gone, key=lambda file: file.lost, reverse=True):
        number = counts[file.log] = counts.get(file.log, 0) + 1
        useless = file.state in {FileState.NEW, FileState.COPY} or not file.meter.offset
        if useless or number > MOST_GONE_OF_A_LOG or kept >= MOST_GONE + hidden:
            yield file
        else:
            kept += 1


class KnownLogs:
    """The keys of the logs that were looked at before.

    What is found in a log that is known is not older than the first look, see
    `events.follow.old_files`; so one is known on for a while after its last file.

    Args:
        logs: Those that were known to the run before, as `empty` gave them, then all others.
    """

    def __init__(self, logs: Iterable[str]) -> None:
        self._logs = dict.fromkeys(logs)  # those that went first come first
        self._there: set[str] = set()

    def new(self, logs: set[str]) -> set[str]:
        """Those that are not known."""
        return logs - self._logs.keys()

    def are_there(self, logs: set[str]) -> None:
        """These are followed now."""
        self._there = logs
        for log in sorted(logs):
            self._logs.pop(log, None)
            self._logs[log] = None

    def let_go(self, held: set[str]) -> None:
        """Forget those that went first, if too many are not there, and not held by a file."""
        empty = [log for log in self._logs if log not in self._there and log not in held]
        for log in empty[: max(0, len(empty) - MOST_EMPTY)]:
            del self._logs[log]

    def empty(self, held: set[str]) -> list[str]:
        """Those that no file holds; the ones that went first come first."""
        return [log for log in self._logs if log not in held]
