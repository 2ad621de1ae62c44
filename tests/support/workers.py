"""A data folder with a real queue, log and dead letters, and workers on it in this process."""

from __future__ import annotations

import json
import os
import time
from random import Random
from typing import TYPE_CHECKING, Any

from events.filesystem import RealFileSystem
from events.redaction import Redactor
from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support.held_clock import HeldClock
from worker.attempt import Attempts
from worker.handlers.call import CallHandler
from worker.listener import WorkerListener
from worker.options import WorkerOptions
from worker.own_stream import Identity, StreamOpener
from worker.processor import SyncWorker
from worker.retry import RetryPolicies
from worker.stopping import StopRequest
from worker.takeover import TakeOver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.clock import Clock
    from sync_queue.dead_letters import StoredLetter
    from sync_queue.jobs import LeasedJob
    from worker.handlers.base import Handler
    from worker.own_stream import OwnStream


class TickingClock(HeldClock):
    """A clock that moves by a step whenever it is asked, so that all waiting comes to an end."""

    def __init__(self, step_s: float = 0.1) -> None:
        super().__init__()
        self.step_s = step_s

    def now_us(self) -> int:
        self.move_s(self.step_s)
        return self.us

    def monotonic_ns(self) -> int:
        self.move_s(self.step_s)
        return self.ns


class Told(WorkerListener):
    """Remembers what a worker told."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.summaries: list[list[str]] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)

    def summary(self, lines: list[str]) -> None:
        self.summaries.append(lines)


class Place:
    """One data folder. Several may stand on one folder, as several processes do.

    Attributes:
        told: What workers and take-overs of this object told.
        segment_bytes: Size at which they begin a new segment.
        random: Gives the bytes that streams and epochs are named by.
    """

    segment_bytes = 1 << 20
    random: Callable[[int], bytes] = staticmethod(os.urandom)

    def __init__(self, data: Path, clock: Clock | None = None, *, boot_id: str = "boot-1") -> None:
        self.data = data
        self.clock = clock or HeldClock()
        self.boot_id = boot_id
        self.fs: RealFileSystem = RealFileSystem()
        self.queue = JobQueue(data, clock=self.clock)
        self.letters = DeadLetterQueue(data, clock=self.clock, keep_open=True)
        self.redactor = Redactor()
        self.told = Told()

    def close(self) -> None:
        self.queue.close()
        self.letters.close()

    def enqueue(self, count: int = 1, **fields: Any) -> None:
        self.queue.enqueue_many(NewJob(number, **fields) for number in range(1, count + 1))

    def take_over(self, queue: Any = None, letters: Any = None, **more: Any) -> TakeOver:
        place = self.data, queue or self.queue, letters or self.letters
        streams = StreamOpener(
            *place,
            Identity("nas", self.boot_id, {"queue_id": self.queue.queue_id}, {}),
            fs=self.fs,
            clock=self.clock,
            redactor=self.redactor,
            segment_bytes=self.segment_bytes,
            random=self.random,
            notice=self.told.notice,
        )
        return TakeOver(*place, streams, fs=self.fs, notice=self.told.notice, **more)

    def start(self, queue: Any = None, letters: Any = None) -> OwnStream:
        """A stream as a starting worker opens it."""
        own = self.take_over(queue, letters).start(StopRequest())
        assert own is not None
        return own

    def die_with_leases(self, count: int) -> tuple[str, list[LeasedJob]]:
        """Let a worker claim jobs and be gone: its stream, and what it held."""
        own = self.start()
        jobs = self.queue.claim(own.name, own.recorder.next_seq, count)
        own.close()
        return own.name, jobs

    def worker(
        self,
        handler: Callable[[Any], object],
        *,
        queue: Any = None,
        take_over: TakeOver | None = None,
        sleep: Callable[[float], object] = time.sleep,
        **options: Any,
    ) -> SyncWorker:
        options = {"drain": True, "poll_s": 0.01} | options
        whole: Handler | None = getattr(handler, "as_handler", None)
        return SyncWorker(
            queue or self.queue,
            self.letters,
            whole or CallHandler(handler),
            take_over or self.take_over(queue),
            options=WorkerOptions(**options),
            clock=self.clock,
            rng=Random(7),
            redactor=self.redactor,
            listener=self.told,
            sleep=sleep,
        )

    def attempts(
        self, handler: Callable[[Any], object], policies: RetryPolicies | None = None
    ) -> Attempts:
        return Attempts(
            CallHandler(handler),
            policies=policies or RetryPolicies(),
            rng=Random(7),
            redactor=self.redactor,
            clock=self.clock,
        )

    def streams(self) -> list[str]:
        return sorted(path.name for path in (self.data / "events").iterdir())

    def log(self, stream: str | None = None) -> list[dict[str, Any]]:
        """The events of one stream or of all, by stream, then in their order."""
        return events_of(self.data, stream)

    def outcomes(self, stream: str | None = None) -> list[dict[str, Any]]:
        return [event for event in self.log(stream) if event["event"].startswith("job.")]

    def dead(self) -> list[StoredLetter]:
        return list(self.letters.list())


def events_of(data: Path, stream: str | None = None) -> list[dict[str, Any]]:
    """All events of a data folder's log that stand on whole lines.

    One that stands there again, as after a sync that failed, is told once; it must be the same.
    """
    events: list[dict[str, Any]] = []
    seen: dict[tuple[str, int], bytes] = {}
    for path in sorted((data / "events").glob(f"{stream or '*'}/*.jsonl")):
        for line in path.read_bytes().split(b"\n")[:-1]:
            if b"\0" in line:  # a power cut left its page out: no line of ours, and no JSON
                continue
            event = json.loads(line)
            before = seen.setdefault((event["stream"], event["seq"]), line)
            assert before == line, f"two events under one number: {before!r}, {line!r}"
            if before is line:
                events.append(event)
    return events


def ends_of(data: Path) -> dict[int, list[str]]:
    """The events that ended each job for good."""
    ends: dict[int, list[str]] = {}
    for event in events_of(data):
        if event["event"].startswith("job.") and (
            event["event"] != "job.failed" or event["to_dlq"]
        ):
            ends.setdefault(event["job_id"], []).append(event["event"])
    return ends


def repeated_attempts(data: Path) -> list[tuple[int, int]]:
    """Attempts that have more than one outcome; there must be none."""
    seen: set[tuple[int, int]] = set()
    twice: list[tuple[int, int]] = []
    for event in events_of(data):
        if event["event"].startswith("job."):
            key = (event["job_id"], event["attempt"])
            (twice.append if key in seen else seen.add)(key)
    return twice


class Dies(Exception):  # noqa: N818 -- stands for the end of a process
    """The process is gone."""


class DyingAt:
    """A queue or dead letters that pass calls on; at the one that is named, the process "dies".

    Args:
        inner: What is wrapped.
        call: The method at which it dies.
        after: Whether the call takes effect first.
    """

    def __init__(self, inner: Any, call: str, *, after: bool) -> None:
        self._inner = inner
        self._call = call
        self._after = after

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._inner, name)
        if name != self._call:
            return whole

        def call(*args: Any, **options: Any) -> Any:
            if args == ([],):  # no letters to insert: no step of the protocol
                return whole(*args, **options)
            if self._after:
                whole(*args, **options)
            raise Dies

        return call
