"""The small process that outlives the worker by a moment: it kills what the worker left running.

Run as a script, with nothing but the standard library (see :mod:`worker.handlers.guard`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def watch(lines: Iterable[bytes], kill: Callable[[int], object]) -> None:
    """Keep the process groups that ``lines`` name, and kill those left when the lines end.

    Args:
        lines: ``+PGID`` when a group begins, ``-PGID`` when it is over. They end when the
            worker is gone, however it went.
        kill: Ends one group.
    """
    groups: set[int] = set()
    for line in lines:
        try:
            group = int(line[1:])
        except ValueError:
            continue
        if line[:1] == b"+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in sorted(groups):
        kill(group)


def kill_group(group: int) -> None:
    """Kill a process group at once: its job may be running again elsewhere in a moment."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def main() -> None:
    """Watch over standard input."""
    # Whoever stops the worker's whole service stops us, too; we end when the worker has.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin.buffer, kill_group)


if __name__ == "__main__":  # pragma: no cover - run as a script, without coverage
    main()
