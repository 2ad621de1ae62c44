"""The queue and the dead letters of a data folder, opened without making what is not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from events.calls import call
from projections.cli.errors import CommandError
from projections.cli.options import existing

if TYPE_CHECKING:
    from pathlib import Path

    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.queue import JobQueue


def queue_of(data: Path) -> JobQueue | None:
    """Open the folder's queue; None when it has none yet.

    Raises:
        CommandError: There is no such folder.
    """
    if not os.path.lexists(existing(data) / "queue.db"):  # a link that leads nowhere is told
        return None
    from sync_queue.queue import JobQueue

    return JobQueue(data)


def needed_queue(data: Path) -> JobQueue:
    """Open the folder's queue.

    Raises:
        CommandError: There is no such folder, or no queue in it.
    """
    queue = queue_of(data)
    if queue is None:
        raise CommandError(
            f"no queue in {data}: add jobs with {call('enqueue FILE', data)}, or name another "
            "folder with --data"
        )
    return queue


def letters_of(data: Path) -> DeadLetterQueue | None:
    """Open the folder's dead letters; None when it has none yet.

    Raises:
        CommandError: There is no such folder.
    """
    if not os.path.lexists(existing(data) / "dlq.db"):
        return None
    from sync_queue.dlq import DeadLetterQueue

    return DeadLetterQueue(data)
