"""What `syncstats demo` plays: workers on a made library, one of them killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from random import Random
from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.filesystem import RealFileSystem
from projections.cli.demo_ends import count_ends
from projections.cli.demo_library import (
    AMBIGUOUS,
    FILMS,
    JOBS,
    LATE,
    MISSING,
    SKIPPED,
    WRONG,
    make_library,
)
from projections.cli.output import say
from projections.cli.stats_view import print_stats
from projections.runner import Runner
from projections.snapshot import Snapshot
from projections.store import SnapshotStore
from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projections.cli.demo_library import Library

KILL_AFTER = 0.4
"""The share of the jobs' attempts after which the first worker is killed."""
_SEED = 20_260_101
_PAUSE_S = 0.002
_WIDTH = 76
_RETRIES = {
    "--retry-base": "0.3",
    "--retry-cap": "0.6",
    "--not-found-base": "0.3",
    "--not-found-cap": "0.8",
    "--not-found-tries": "5",
    "--breaker-cooldown": "1",
}


class Demo:
    """The run, one method for each step; each says in one line what it does.

    Args:
        folder: An empty folder to play in.
    """

    def __init__(self, folder: Path) -> None:
        self._library_folder = folder / "library"
        self._data = folder / "data"
        self._fs = RealFileSystem()
        self._step = 0

    def play(self) -> list[str]:
        """Play all steps; return what did not add up."""
        library = self._prepare()
        if sys.platform == "win32":
            return ["workers need Linux or macOS"]
        self._work_and_kill()
        self._take_over(library)
        self._show()
        return [*self._rebuild(), *self._account()]

    def _say(self, text: str) -> None:
        self._step += 1
        say(f"{self._step:>2}  {text}")
        sys.stdout.flush()

    def _tell(self, text: str) -> None:
        for line in textwrap.wrap(text, _WIDTH):
            say(f"    {line}")
        sys.stdout.flush()

    def _prepare(self) -> Library:
        rng = Random(_SEED)  # noqa: S311 - the same demo each time, not a secret
        library = make_library(self._library_folder, rng)
        self._say(f"A media library of {FILMS} films, in a temporary folder.")
        with JobQueue(self._data) as queue:
            added = queue.enqueue_many(library.jobs).added
        self._say(f"{added} jobs are enqueued: write each film's metadata beside it (.nfo).")
        self._tell(
            f"{LATE} files come late, {MISSING} never come, {AMBIGUOUS} names are "
            f"ambiguous, {WRONG} jobs lead out of the library, {SKIPPED} sidecars are "
            "the user's own."
        )
        return library

    def _worker(self, *options: str) -> subprocess.Popen[str]:
        pairs = (part for pair in _RETRIES.items() for part in pair)
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "projections.cli", "run"),
                *("--handler", f"nfo:{self._library_folder}", "--data", str(self._data)),
                *pairs,
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _work_and_kill(self) -> None:
        self._say("A worker begins: each outcome goes to the event log, then is acknowledged.")
        worker = self._worker("--batch", "4", "--summary-every", "1000")
        self._until(worker, lambda: self._recorded() >= KILL_AFTER * JOBS)
        worker.send_signal(signal.SIGKILL)
        output, _ = worker.communicate()
        if worker.returncode != -signal.SIGKILL:
            self._tell(f"(it ended before it could be killed: {output.strip()[-200:]})")
        self._say(f"It is killed (SIGKILL) in the middle: {self._recorded()} attempts are logged.")

    def _take_over(self, library: Library) -> None:
        before = self._recorded()
        self._say("Another worker takes over. The late files arrive.")
        worker = self._worker("--drain", "--wait", "--concurrency", "2", "--summary-every", "1000")
        library.let_late_files_come()
        self._until(worker, lambda: self._recorded() > before)
        library.go_away()
        self._until(worker, lambda: self._is_logged(b'"breaker.opened"'))
        library.come_back()
        output, _ = worker.communicate()
        told = [text.removeprefix("syncstats: ") for text in output.splitlines()]
        for text in told:
            if "breaker opened" in text:
                self._say("The library's disk goes away for a moment: jobs wait, none dies.")
            self._tell(text.replace(str(self._library_folder), "LIBRARY"))

    def _until(self, worker: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
        """Wait until something has happened, or the worker has ended."""
        while worker.poll() is None and not happened():
            time.sleep(_PAUSE_S)

    def _recorded(self) -> int:
        return count_ends(self._data, self._fs).outcomes

    def _is_logged(self, text: bytes) -> bool:
        log = self._data / "events"
        return any(text in segment.read_bytes() for segment in log.glob("*/*.jsonl"))

    def _show(self) -> None:
        self._say("The stats, kept from the log while the workers worked:")
        say()
        stored = SnapshotStore(self._data, fs=self._fs, clock=SystemClock()).load()
        print_stats(stored or Snapshot.empty())
        say()
        letters = DeadLetterQueue(self._data)
        self._say(f"The dead letters ({letters.get_count()}), kept until you retry or purge them:")
        shown: set[str] = set()
        for letter in letters.list():
            if letter.error_type not in shown:
                shown.add(str(letter.error_type))
                message = str(letter.error_message).replace(str(self._library_folder), "LIBRARY")
                self._tell(_cut(f"{letter.error_type}: {message}"))

    def _rebuild(self) -> list[str]:
        path = self._data / "stats.json"
        before = path.read_bytes() if path.exists() else b""
        path.unlink(missing_ok=True)
        Runner(self._data, fs=self._fs).rebuild()
        equal = path.exists() and path.read_bytes() == before
        self._say(
            "stats.json is deleted and made anew from the log: "
            f"{'the same bytes' if equal else 'NOT the same'}."
        )
        return [] if equal else ["the rebuilt stats.json differs"]

    def _account(self) -> list[str]:
        ends = count_ends(self._data, self._fs)
        stored = (
            SnapshotStore(self._data, fs=self._fs, clock=SystemClock()).load() or Snapshot.empty()
        )
        stats = stored.total()
        dead = DeadLetterQueue(self._data).get_count()
        self._say(
            f"Of {JOBS} jobs, {ends.ended} have exactly one end: {stats.jobs_succeeded} succeeded, "
            f"{stats.jobs_skipped} skipped,"
        )
        self._tell(
            f"{dead} dead. Ended twice: {ends.ended_twice}. "
            f"Attempts recorded twice: {ends.recorded_twice}."
        )
        checks = {
            f"{JOBS - ends.ended} jobs have no end": ends.ended == JOBS,
            "a job ended twice": not ends.ended_twice,
            "an attempt was recorded twice": not ends.recorded_twice,
            "the dead letters are not those of the log": dead == stats.jobs_to_dlq,
            "the stats do not count what the log holds": ends.outcomes
            == stats.jobs_processed + stats.jobs_skipped,
        }
        return [wrong for wrong, holds in checks.items() if not holds]


def _cut(text: str, width: int = _WIDTH) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
