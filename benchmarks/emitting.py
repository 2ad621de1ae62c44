"""What one outcome costs on its way to its line, beside structlog and orjson with nothing else.

    .venv/bin/python -m benchmarks.emitting [--events N] [--rounds N]

The bare set-ups say the same fields and do nothing of what the log promises: no masking, no
numbers out of range, no values that JSON cannot hold. Each writes its lines to a file of its own,
in its own way: a bare logger each line when it is said, ours a hundred together; a worker also
says those together whose attempts it has collected together. Nothing is synced. The ways take
turns; times are of the processor, and their ratio is what counts on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from events.clock import SystemClock
from events.emitter import Emitter
from events.model import Succeeded
from events.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 100
STREAM = "nas-1-x7f2"
OURS = "syncstats"
OURS_TOGETHER = "syncstats, a hundred at once"


class FileWriter:
    """Writes what an emitter hands over, as the log does, and syncs nothing."""

    def __init__(self, path: Path) -> None:
        self.next_seq = 0
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def append(self, data: bytes, count: int) -> None:
        """Write lines in one write."""
        os.write(self._file, data)
        self.next_seq += count

    def sync(self) -> None:
        """Nothing: the other ways do not sync either."""


def ours(path: Path, together: int) -> Callable[[int], None]:
    """The worker's way, so many outcomes at once; and a write each hundred."""
    emitter = Emitter(
        FileWriter(path),
        stream=STREAM,
        epoch="e",
        opened={},
        clock=SystemClock(),
        redactor=Redactor(),
    )

    def emit(count: int) -> None:
        for begin in range(0, count, together):
            emitter.outcomes([_succeeded(begin + place) for place in range(together)])
            if (begin + together) % BATCH == 0:
                emitter.commit()

    return emit


def _succeeded(number: int) -> Succeeded:
    return Succeeded(
        job_id=number,
        kind="metadata",
        attempt=1,
        scene_id=number,
        duration_ns=1_534_000,
        wait_ns=20_000_000,
    )


def _say(log: Any, count: int) -> None:
    for number in range(count):
        log.info(
            "job.succeeded",
            v=1,
            stream=STREAM,
            seq=number,
            job_id=number,
            kind="metadata",
            scene_id=number,
            attempt=1,
            duration_ns=1_534_000,
            wait_ns=20_000_000,
            confidence="high",
        )


def _say_with_time(log: Any, count: int) -> None:
    now = time.time_ns
    for number in range(count):
        log.info(
            "job.succeeded",
            v=1,
            stream=STREAM,
            seq=number,
            # As cheap as a moment can be written: what `isoformat` would say takes longer.
            timestamp=now(),
            level="info",
            job_id=number,
            kind="metadata",
            scene_id=number,
            attempt=1,
            duration_ns=1_534_000,
            wait_ns=20_000_000,
            confidence="high",
        )


def _render(_logger: Any, _method: str, fields: Any) -> Any:
    return orjson.dumps(fields)


def bare(path: Path, *processors: Any, wrapper: Any = None) -> Callable[[int], None]:
    """A logger of structlog as its manual recommends for speed, but for what is given."""
    log = structlog.wrap_logger(
        structlog.BytesLogger(path.open("wb")),
        processors=[*processors, structlog.processors.TimeStamper(fmt="iso", utc=True), _render],
        wrapper_class=wrapper or structlog.make_filtering_bound_logger(20),
        context_class=dict,
        cache_logger_on_first_use=True,
    ).bind()
    return lambda count: _say(log, count)


def bare_own_time(path: Path) -> Callable[[int], None]:
    """The same with nothing but a renderer, the level and the time given by the caller."""
    log = structlog.wrap_logger(
        structlog.BytesLogger(path.open("wb")),
        processors=[_render],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        context_class=dict,
        cache_logger_on_first_use=True,
    ).bind()
    return lambda count: _say_with_time(log, count)


def measure(ways: dict[str, Callable[[int], None]], count: int, rounds: int) -> dict[str, float]:
    """Microseconds of processor time an event: by way, the median of rounds, which alternate."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begin = time.process_time()
            way(count)
            took[name].append((time.process_time() - begin) / count * 1e6)
    return {name: median(times) for name, times in took.items()}


def all_ways(folder: Path) -> dict[str, Callable[[int], None]]:
    """Ours, and bare ones; each writes to a file in ``folder``."""
    return {
        OURS: ours(folder / "ours", 1),
        OURS_TOGETHER: ours(folder / "together", BATCH),
        "structlog, orjson, level, time": bare(folder / "bare", structlog.processors.add_log_level),
        "structlog, orjson, own time": bare_own_time(folder / "own"),
    }


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        took = measure(all_ways(Path(name)), asked.events, asked.rounds)
    best = min(us for name, us in took.items() if not name.startswith(OURS))
    out = sys.stdout.write
    out(f"{'way':<34} {'µs an event':>11} {'of the best bare':>17}\n")
    for name, us in took.items():
        out(f"{name:<34} {us:>11.2f} {us / best:>16.2f}x\n")


if __name__ == "__main__":
    main()
