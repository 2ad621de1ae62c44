"""Everybody at one data folder at once, as real processes: every total is exact afterwards.

Eight enqueue, four work, two follow, one retries dead letters, one verifies and rebuilds. It ends
when all that was enqueued has been done, not after a time; how much that is decides how long it
takes: about 20 s in `make test`, and more than a minute with ``HYPOTHESIS_PROFILE=search``.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, HEARS_SIGINT, Ran, clean_env, syncstats
from tests.support.handlers import wait_until
from tests.support.workers import events_of

if TYPE_CHECKING:
    from pathlib import Path

ENQUEUERS, WORKERS, FOLLOWERS = 8, 4, 2
ROUNDS = 50 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 8
JOBS = 50  # of one call
DIES = 10  # every so manieth job fails for good the first time
END_S = 240

HANDLER = """
import pathlib
from worker.errors import PermanentError

def handle(job):
    if job.scene_id % 10 == 0:
        try:
            pathlib.Path("died", str(job.scene_id)).touch(exist_ok=False)
        except FileExistsError:
            return
        raise PermanentError("the first time")
"""


class Crew:
    """Processes that run until they are ended, with what they print kept in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def begin(self, name: str, *args: str) -> None:
        with (
            (self.folder / f"{name}.out").open("wb") as out,
            (self.folder / f"{name}.err").open("wb") as err,
        ):
            process = subprocess.Popen(
                [*HEARS_SIGINT, *COMMAND, *args],
                cwd=self.folder,
                env=clean_env(),
                stdout=out,
                stderr=err,
            )
        self.processes.append((name, process))

    def end(self, kind: str, number: signal.Signals) -> list[int]:
        """Ask those of a kind to end: their statuses."""
        mine = [process for name, process in self.processes if name.startswith(kind)]
        for process in mine:
            process.send_signal(number)
        return [process.wait(END_S) for process in mine]

    def kill(self) -> None:
        for _, process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sync.py").write_text(HANDLER)
    (tmp_path / "died").mkdir()
    assert syncstats("enqueue", "-", cwd=tmp_path, stdin=b"").status == 0  # makes the data folder
    return tmp_path


def enqueue(folder: Path, who: int) -> list[Ran]:
    """One that enqueues, call by call: what it was told each time."""
    told = []
    for call in range(ROUNDS):
        first = (who * ROUNDS + call) * JOBS + 1
        jobs = "".join(f'{{"scene_id": {first + n}}}\n' for n in range(JOBS))
        told.append(syncstats("enqueue", "-", "--json", cwd=folder, stdin=jobs, timeout_s=END_S))
    return told


def again_and_again(folder: Path, over: threading.Event, *commands: tuple[str, ...]) -> list[Ran]:
    ran = []
    while not over.is_set():
        ran += [syncstats(*args, cwd=folder, timeout_s=END_S) for args in commands]
    return ran


def is_all_done(folder: Path, scenes: int) -> bool:
    shown = syncstats("show", "--json", cwd=folder, timeout_s=END_S)
    assert (shown.status, shown.err) == (0, "")
    queue = shown.json["queue"]
    left = queue["due"] + queue["scheduled"] + queue["leased"]
    return not left and len([*(folder / "died").iterdir()]) == scenes // DIES


@pytest.mark.slow
def test_everybody_at_once(folder):
    scenes = ENQUEUERS * ROUNDS * JOBS
    over = threading.Event()
    crew = Crew(folder)
    with ExitStack() as stack:
        stack.callback(crew.kill)
        for n in range(FOLLOWERS):
            crew.begin(f"follower-{n}", "tail", "--follow", "--full", "--lines", "0")
        for n in range(WORKERS):
            crew.begin(f"worker-{n}", "run", "--handler", "sync:handle", "--segment-bytes", "64KiB")
        pool = stack.enter_context(ThreadPoolExecutor(ENQUEUERS + 2))
        stack.callback(over.set)
        enqueuing = [pool.submit(enqueue, folder, who) for who in range(ENQUEUERS)]
        retrying = pool.submit(again_and_again, folder, over, ("dlq", "retry", "--all", "--json"))
        checking = pool.submit(again_and_again, folder, over, ("verify",), ("rebuild",))

        told = [ran for enqueuer in enqueuing for ran in enqueuer.result()]
        wait_until(lambda: is_all_done(folder, scenes), "all that was enqueued is done", END_S)
        over.set()
        retried, checked = retrying.result(), checking.result()
        retried.append(syncstats("dlq", "retry", "--all", "--json", cwd=folder))
        wait_until(lambda: is_all_done(folder, scenes), "what was retried last is done", END_S)
        assert crew.end("worker", signal.SIGTERM) == [0] * WORKERS
        outcomes = [event for event in events_of(folder / "data") if "job." in event["event"]]
        for n in range(FOLLOWERS):
            shown = folder / f"follower-{n}.out"
            wait_until(lambda shown=shown: len(seen(shown)) >= len(outcomes), "it is shown", END_S)
        assert crew.end("follower", signal.SIGINT) == [130] * FOLLOWERS

    for ran in (*told, *retried, *checked):
        assert (ran.status, ran.err) == (0, ""), ran
    assert sum(ran.json["added"] for ran in told) == scenes
    for path in folder.glob("*.err"):
        assert_quiet(path.read_text())

    ends = Counter((event["scene_id"], event["event"]) for event in outcomes)
    died = [scene for scene in range(1, scenes + 1) if scene % DIES == 0]
    assert ends == Counter(
        {(scene, "job.succeeded"): 1 for scene in range(1, scenes + 1)}
        | {(scene, "job.failed"): 1 for scene in died}
    )
    for n in range(FOLLOWERS):  # each outcome once
        lines = seen(folder / f"follower-{n}.out")
        assert len(lines) == len(set(lines)) == len(outcomes)
    stats = syncstats("show", "--json", cwd=folder).json
    assert (stats["jobs_succeeded"], stats["jobs_failed"]) == (scenes, len(died))
    assert (stats["jobs_to_dlq"], stats["dead_letters"]) == (len(died), {})
    assert (stats["duplicates"], stats["gaps"], stats["invalid_lines"]) == (0, 0, 0)
    assert syncstats("verify", "--strict", cwd=folder).status == 0
    before = (folder / "data" / "stats.json").read_bytes()
    assert syncstats("rebuild", cwd=folder).status == 0
    assert (folder / "data" / "stats.json").read_bytes() == before
    assert json.loads(before)["jobs_processed"] == len(outcomes)


def seen(shown: Path) -> list[bytes]:
    """The jobs whose outcomes a follower has shown; here each job has one."""
    return re.findall(rb" job (\d+) scene \d+ ", shown.read_bytes())


def assert_quiet(err: str) -> None:
    """Nothing but that a worker was asked to stop."""
    lines = [line for line in err.splitlines() if not line.startswith("syncstats: stopping")]
    assert lines == []
