"""Those who follow a log, each with a note of when it had seen how many events."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from benchmarks.feeding import delays_s, feed, make_stream
from benchmarks.runs import SYNCSTATS, WayError, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.asked import Asked

POLL_S = 0.005
_END_S = 30.0  # within so many seconds a follower ends
_LAST_S = 10.0  # and has seen the last event
_SEQ = re.compile(rb'"seq":(\d+)')
_clock = time.perf_counter


class Seen(NamedTuple):
    """What was found of a follower.

    Attributes:
        delays_s: How long after its write each batch of events was seen, in seconds.
        idle: The share of a core that it took while the log rested; None where nothing tells.
    """

    delays_s: list[float]
    idle: float | None


def tail(folder: Path, asked: Asked) -> Seen:
    """Until its lines stand on tail's standard output."""
    segment = make_stream(folder)
    seen: list[tuple[float, int]] = []
    with _following("tail", "--follow", "--json", "--data", str(folder)) as process:
        out = cast("IO[bytes]", process.stdout)  # a pipe

        def listen() -> None:
            rest = b""
            while data := out.read(1 << 16):
                now, whole = _clock(), rest + data
                rest = whole[whole.rfind(b"\n") + 1 :]
                last = _SEQ.findall(whole[: len(whole) - len(rest)])
                if last:
                    seen.append((now, int(last[-1]) + 1))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        idle = _idle(process.pid, asked.follow_s)
        fed = feed(segment, asked.follow_s, asked.seed, _clock)
        _await(lambda: bool(seen) and seen[-1][1] >= fed.at[-1][1])
    return Seen(delays_s(fed.at, seen), idle)


def ingest(folder: Path, asked: Asked) -> Seen:
    """Until they are counted in the file that ingest keeps."""
    segment, state = make_stream(folder), folder / "state.json"
    seen: list[tuple[float, int]] = []
    ended = threading.Event()
    follow = ("ingest", "--follow", str(folder / "events"), "--state", str(state))
    with _following(*follow) as process:
        idle = _idle(process.pid, asked.follow_s)
        watcher = threading.Thread(target=_watch, args=(state, seen, ended, _positions))
        watcher.start()
        try:
            fed = feed(segment, asked.follow_s, asked.seed, _clock)
            _await(lambda: bool(seen) and seen[-1][1] >= fed.at[-1][1])
        finally:
            ended.set()
            watcher.join()
    return Seen(delays_s(fed.at, seen), idle)


def worker(folder: Path, asked: Asked) -> Seen:
    """From when an outcome stands in a worker's log until it is in its stats.json."""
    (folder / "nothing.py").write_text("def handle(job):\n    return None\n")
    data = folder / "data"
    written: list[tuple[float, int]] = []
    seen: list[tuple[float, int]] = []
    lines = b"".join(b'{"scene_id":%d}\n' % n for n in range(asked.jobs))
    put = (*SYNCSTATS, "enqueue", "-", "--data", str(data))
    subprocess.run(put, input=lines, check=True, env=environment(), capture_output=True)
    ended = threading.Event()
    watchers = [
        threading.Thread(target=_watch, args=(data / "stats.json", seen, ended, _processed)),
        threading.Thread(target=_count, args=(data / "events", written, ended)),
    ]
    for watcher in watchers:
        watcher.start()
    run = (*SYNCSTATS, "run", "--handler", "nothing:handle", "--drain", "--batch", "100")
    try:
        subprocess.run(
            (*run, "--data", str(data)),
            check=True,
            cwd=folder,
            env=environment(),
            capture_output=True,
        )
        time.sleep(2 * POLL_S)
    finally:
        ended.set()
        for watcher in watchers:
            watcher.join()
    return Seen(delays_s(written, seen), None)


@contextmanager
def _following(*args: str) -> Iterator[subprocess.Popen[bytes]]:
    """A follower that runs meanwhile, and is interrupted then."""
    process = subprocess.Popen(
        (*SYNCSTATS, *args),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
        bufsize=0,
    )
    try:
        yield process
        if process.poll() is not None:
            raise WayError(f"{args[0]} ended with status {process.returncode}")
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_END_S)
        process.kill()


def _watch(
    path: Path, seen: list[tuple[float, int]], ended: threading.Event, read: Callable[[bytes], int]
) -> None:
    """Note when a file tells of how many events."""
    while not ended.is_set():
        with suppress(OSError, ValueError):
            count = read(path.read_bytes())
            if not seen or count > seen[-1][1]:
                seen.append((_clock(), count))
        time.sleep(POLL_S)


def _positions(data: bytes) -> int:
    """How many events of all streams a snapshot has read."""
    streams = json.loads(data)["streams"].values()
    return sum(end - begin for stream in streams for begin, end in stream["seen"])


def _processed(data: bytes) -> int:
    """How many attempts it counts: looked for, as a large file would take long to parse."""
    found = re.search(rb'"jobs_processed":\s*(\d+)', data[:200])
    return int(found[1]) if found else 0


def _count(events: Path, written: list[tuple[float, int]], ended: threading.Event) -> None:
    """Note when how many outcomes stand in a log that grows."""
    files: dict[Path, int] = {}
    count = 0
    while not ended.is_set():
        more = 0
        for path in events.glob("*/*.jsonl"):
            with path.open("rb") as file:
                file.seek(files.get(path, 0))
                data = file.read()
            files[path] = files.get(path, 0) + len(data)
            more += data.count(b'{"event":"job.succeeded"')
        if more:
            count += more
            written.append((_clock(), count))
        time.sleep(POLL_S)


def _idle(pid: int, seconds: float) -> float | None:
    """What share of a core a process takes, once it has started; None where nothing tells."""
    if not Path(f"/proc/{pid}/task").exists():
        return None
    time.sleep(1.0)
    begin, used = _clock(), _used_ns(pid)
    time.sleep(seconds)
    return (_used_ns(pid) - used) / 1e9 / (_clock() - begin)


def _used_ns(pid: int) -> int:
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[0]) for each in threads)


def _await(done: Callable[[], bool]) -> None:
    end = _clock() + _LAST_S
    while not done() and _clock() < end:
        time.sleep(POLL_S)
