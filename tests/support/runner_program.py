"""One process at a data folder: ``write DATA STREAM COUNT``, or ``keep DATA MARKER``.

Prints how often it saved, or synced.
"""

from __future__ import annotations

import sys
from pathlib import Path

from events.filesystem import RealFileSystem
from events.log.writer import StreamWriter
from projections.runner import Runner
from tests.support.outcome_lines import failed, opened, succeeded

BATCH = 10
SEGMENT_BYTES = 20_000


def write(data: Path, stream: str, count: int) -> int:
    """Write ``count`` lines to a new stream, in batches, over many segments."""
    fs = RealFileSystem()
    folder = data / "events" / stream
    fs.make_folder(folder)
    writer = StreamWriter(folder, next_seq=0, fs=fs, segment_bytes=SEGMENT_BYTES)
    writer.append(opened(0, f"epoch of {stream}", stream), 1)
    while writer.next_seq < count:
        first = writer.next_seq
        lines = [
            failed(seq, stream, to_dlq=seq % 5 == 0) if seq % 3 == 0 else succeeded(seq, stream)
            for seq in range(first, min(first + BATCH, count))
        ]
        writer.append(b"".join(lines), len(lines))
        writer.sync()
    writer.close()
    return count // BATCH


def keep(data: Path, marker: Path) -> int:
    """Save again and again, starting anew now and then, until ``marker`` is there."""
    saves = rounds = 0
    runner = Runner(data, notice=_refuse)
    runner.start()
    while True:
        last = marker.exists()
        runner.catch_up()
        saves += runner.save()
        if last:
            return saves
        rounds += 1
        if rounds % 20 == 0:
            runner = Runner(data, notice=_refuse)
            runner.start()


def _refuse(notice: str) -> None:
    raise AssertionError(notice)


if __name__ == "__main__":
    command, data, *rest = sys.argv[1:]
    done = (
        write(Path(data), rest[0], int(rest[1]))
        if command == "write"
        else keep(Path(data), Path(rest[0]))
    )
    sys.stdout.write(f"{done}\n")
