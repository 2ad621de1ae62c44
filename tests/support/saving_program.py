"""A process that saves again and again, for a record of its system calls.

``log DATA`` writes a log, without a sync of its own, and a snapshot after each part of it.
``stats FILE`` records in two objects by turns, and saves each to one file; after each save it adds
a byte to ``FILE.told``, which stands for "told that it is saved".
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from events.filesystem import RealFileSystem
from events.log.segment import segment_name
from projections.runner import Runner
from tests.support.outcome_lines import failed, opened, succeeded
from worker.stats import SyncStats

SAVES = 6
PART = 15


def save_log(data: Path) -> None:
    """Write a log of two segments and keep its stats."""
    folder = data / "events" / "a"
    RealFileSystem().make_folder(folder)
    runner = Runner(data)
    runner.start()
    for part in range(SAVES):
        first = part * PART
        segment = folder / segment_name(0 if part < SAVES // 2 else SAVES // 2 * PART)
        lines = [opened(first, "e1")] if first == 0 else [failed(first)]
        lines += [succeeded(seq) for seq in range(first + 1, first + PART)]
        with segment.open("ab", buffering=0) as file:
            file.write(b"".join(lines))
        runner.catch_up()
        runner.save()


def save_stats(path: Path) -> None:
    """Record one success before each save."""
    told = os.open(f"{path}.told", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    pair = SyncStats(), SyncStats()
    for number in range(SAVES):
        stats = pair[number % 2]
        stats.record_success(0.5)
        stats.save_to_file(path)
        os.write(told, b".")
    os.close(told)


if __name__ == "__main__":
    {"log": save_log, "stats": save_stats}[sys.argv[1]](Path(sys.argv[2]))
