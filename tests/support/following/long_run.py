"""Four programs write one log, logrotate rotates it again and again, and who follows is killed.

    python -m tests.support.following.long_run --lines 1000000 --rotations 50 --kills 3
    python -m tests.support.following.long_run --copytruncate

By renaming, all that was written is counted. With copytruncate lines are lost that are written
after logrotate has read to the end and before it cuts the file: those that the archives and the
file hold are counted, and such of the lost ones as were read in time, none of them twice. Its lines
have stream and seq, so that the state tells of each one whether it was counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.command import COMMAND, ROOT, clean_env
from tests.support.following.logrotate import logrotate
from tests.support.handlers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITERS = 4
_LINE = re.compile(rb'"stream":"(w\d)","seq":(\d+),.*\}\n')


@dataclass(frozen=True)
class Result:
    """What came of a run.

    Attributes:
        written: Lines that the programs wrote.
        held: Lines that the archives and the file hold at the end.
        counted: Attempts that the state counts.
        missing: Lines that are held and not counted.
        twice: Lines that were counted twice, or whose seq was known.
        rotations: How often the log was rotated.
        kills: How often who follows was killed.
    """

    written: int
    held: int
    counted: int
    missing: int
    twice: int
    rotations: int
    kills: int

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in vars(self).items())


class Writers:
    """The programs that write.

    Args:
        log: Where.
        style: ``native`` lines, or ``oban``.
        acks: A folder in which they show that they have opened the log anew.
    """

    def __init__(self, log: Path, style: str, acks: Path) -> None:
        acks.mkdir()
        module = ["-m", "tests.support.following.writer"]
        self.processes = [
            subprocess.Popen(
                [sys.executable, *module, log, str(number), style, acks],
                cwd=ROOT,
                env=clean_env(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(WRITERS)
        ]
        pids = [str(process.pid) for process in self.processes]
        reopening = [sys.executable, "-m", "tests.support.following.reopening", str(acks), *pids]
        self.postrotate = f"cd '{ROOT}' && PYTHONPATH= {' '.join(reopening)}"

    def begin(self, count: int) -> None:
        """Let each of them write so many lines."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{count}\n")
            process.stdin.flush()

    def end(self) -> None:
        """Return when they have."""
        for process in self.processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n", "a writer ended"

    def close(self) -> None:
        """Let them end."""
        for process in self.processes:
            process.communicate()


class Ingesting:
    """The command that follows, as a user starts it."""

    def __init__(self, log: Path, style: str, state: Path) -> None:
        self.state = state
        self._args = ["ingest", str(log), "--format", style, "--state", str(state)]
        self._cwd = state.parent
        self._process = self._start("--follow")

        self.wait(-1)

    def counted(self) -> int:
        """How many attempts its state counts."""
        try:
            return int(json.loads(self.state.read_bytes())["jobs_processed"])
        except FileNotFoundError:
            return -1

    def wait(self, before: int) -> None:
        """Return when its state counts more than so many."""
        wait_until(lambda: self.counted() > before, "more is counted", 60)

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()

    def again(self) -> None:
        """Start it again."""
        self._process = self._start("--follow")

    def end(self) -> dict[str, Any]:
        """Stop it, read what is left, and give the state."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(120) in {0, -signal.SIGTERM}
        assert self._start().wait(300) == 0
        state: dict[str, Any] = json.loads(self.state.read_bytes())
        return state

    def _start(self, *more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, *self._args, *more],
            cwd=self._cwd,
            env=clean_env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def run(folder: Path, *, lines: int, rotations: int, kills: int, copytruncate: bool) -> Result:
    """Write, rotate and follow.

    Args:
        folder: An empty folder.
        lines: How many lines are written; a few more where they cannot be shared equally.
        rotations: How often the log is rotated meanwhile.
        kills: How often who follows is killed meanwhile.
        copytruncate: Whether the log is copied and cut, instead of renamed.
    """
    log = folder / "logs" / "app.log"
    log.parent.mkdir()
    style = "native" if copytruncate else "oban"
    each = -(-lines // (WRITERS * 2 * rotations))
    deaths = {(number + 1) * rotations // (kills + 1) for number in range(kills)}
    writers = Writers(log, style, folder / "acks")
    directives = ["copytruncate", "compress"]
    if not copytruncate:
        directives = ["create", "compress", "postrotate", writers.postrotate, "endscript"]
    ingesting = Ingesting(log, style, folder / "state.json")
    try:
        for turn in range(rotations):
            before = ingesting.counted()
            writers.begin(each)
            writers.end()
            writers.begin(each)  # which goes on while the log is rotated
            if turn in deaths:
                ingesting.kill()
            logrotate(log, *directives, keep=rotations)
            if turn in deaths:
                ingesting.again()
            writers.end()
            ingesting.wait(before)
        state = ingesting.end()
    finally:
        writers.close()
        ingesting.kill()
    held = list(_held(log.parent))
    written = WRITERS * 2 * each * rotations
    missing, twice = (_by_seq if copytruncate else _by_sum)(state, held)
    return Result(
        written, len(held), state["jobs_processed"], missing, twice, rotations, len(deaths)
    )


def _by_seq(state: dict[str, Any], held: list[bytes]) -> tuple[int, int]:
    """How many of the lines that are held the state has not seen, and how many it saw again."""
    streams = state["streams"]
    seen = {
        (name, seq)
        for name in streams
        for begin, end in streams[name]["seen"]
        for seq in range(begin, end)
    }
    found = [match for line in held if (match := _LINE.search(line))]
    assert len(found) == len(held)
    return len({(match[1].decode(), int(match[2])) for match in found} - seen), state["duplicates"]


def _by_sum(state: dict[str, Any], held: list[bytes]) -> tuple[int, int]:
    """The same of lines without seq: all is well if as many are counted, with the same sum."""
    counted = state["jobs_processed"]
    wanted_ns = 1000 * sum(json.loads(line)["duration"] for line in held)
    if counted == len(held):
        assert state["total_processing_time_ns"] == wanted_ns, "other lines are counted"
    return max(len(held) - counted, 0), max(counted - len(held), 0)


def _held(logs: Path) -> Iterator[bytes]:
    """The whole lines that the archives and the file hold."""
    for path in sorted(logs.iterdir()):
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        yield from (line for line in text.splitlines(keepends=True) if line.endswith(b"\n"))


def main() -> int:
    """Run it as asked, with one closing line; 1 if a line is missing or counted twice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rotations", type=int, default=50)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--copytruncate", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(Path(folder), **vars(asked))
    sys.stdout.write(f"{result}\n")
    lost = 0 if asked.copytruncate else result.written - result.counted
    return 1 if result.missing or result.twice or lost else 0


if __name__ == "__main__":
    sys.exit(main())
