"""The model's worlds and a real data folder in one shape, in which they are compared."""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from events.filesystem import RealFileSystem
from projections.fold import Fold
from projections.reading import read_stream
from projections.snapshot import parse_snapshot
from tests.model.world import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.model.world import Job, World
    from tests.support.halting_filesystem import Holders, Power

JobView = tuple[Any, ...]


class StreamView(NamedTuple):
    """A log's outcomes, how many of them are on disk, and who holds its lock."""

    log: tuple[Outcome, ...]
    durable: int
    holder: int


class View(NamedTuple):
    """All that can be seen from outside; streams and jobs are numbers, as in the model."""

    jobs: tuple[JobView, ...]
    streams: tuple[StreamView, ...]
    letters: frozenset[tuple[int, int, int]]
    saved: tuple[int, ...]
    queue: int


def view_of_model(world: World) -> View:
    """What can be seen of a world of the model."""
    return View(
        jobs=tuple(_job_view(job) for job in world.jobs),
        streams=tuple(StreamView(*stream) for stream in world.streams),
        letters=world.letters,
        saved=world.saved,
        queue=world.queue,
    )


def _job_view(job: Job) -> JobView:
    if job.state == "gone":
        return ("gone",)
    counts = job.attempt, job.losses, job.failures
    if job.state == "waiting":
        return "waiting", *counts
    return "leased", *counts, job.stream, job.lease_seq


class _Log(NamedTuple):
    seqs: list[int]  # of the outcomes, ascending
    outcomes: tuple[Outcome, ...]
    durable: int


class Observer:
    """Looks at a data folder as the model's worlds are looked at.

    A stream's ``seq`` counts all its events; it is told as the number of outcomes below it.

    Args:
        data: The data folder.
        streams: Its streams, by number.
        jobs: How many were enqueued.
        power: What is on the disk.
        holders: Who holds the streams' locks.
    """

    def __init__(
        self, data: Path, streams: Sequence[str], jobs: int, power: Power, holders: Holders
    ) -> None:
        self._data = data
        self._streams = streams
        self._jobs = jobs
        self._power = power
        self._holders = holders
        self._queues: dict[str, int] = {}  # which queue a name is of: it may get another
        self._checked: bytes | None = None

    def view(self, queue: int) -> View:
        """What is seen now.

        Args:
            queue: How often the queue was made anew.
        """
        with closing(sqlite3.connect(self._data / "queue.db")) as connection:
            ((queue_id,),) = connection.execute("SELECT value FROM meta WHERE name = 'queue_id'")
            rows = connection.execute(
                "SELECT id, attempt, losses, failures + not_found, leased_by, lease_seq FROM jobs"
            ).fetchall()
        self._queues.setdefault(queue_id, queue)
        logs = [self._log(stream) for stream in self._streams]
        return View(
            jobs=tuple(self._jobs_of(rows, logs)),
            streams=tuple(
                StreamView(log.outcomes, log.durable, self._holders.of(stream))
                for stream, log in zip(self._streams, logs, strict=True)
            ),
            letters=frozenset(self._letters(logs)),
            saved=self._saved(logs),
            queue=queue,
        )

    def _jobs_of(self, rows: list[tuple[Any, ...]], logs: list[_Log]) -> list[JobView]:
        found: dict[int, JobView] = {}
        for job, attempt, losses, failures, stream, lease_seq in rows:
            found[job - 1] = "waiting", attempt, losses, failures
            if stream is not None:
                number = self._streams.index(stream)
                index = bisect_left(logs[number].seqs, lease_seq)
                found[job - 1] = "leased", attempt, losses, failures, number, index
        return [found.get(job, ("gone",)) for job in range(self._jobs)]

    def _log(self, stream: str) -> _Log:
        """The outcomes on whole lines, each once: what was written again is the same line."""
        queue = -1
        outcomes: dict[int, Outcome] = {}
        durable: set[int] = set()
        for path in sorted((self._data / "events" / stream).glob("*.jsonl")):
            synced, end = self._power.synced(path), 0
            for line in path.read_bytes().split(b"\n")[:-1]:
                end += len(line) + 1
                event: dict[str, Any] = json.loads(line)
                if event["event"] == "stream.opened":
                    queue = self._queues[event["queue_id"]]
                    continue
                ok = event["event"] == "job.succeeded"
                outcome = Outcome(
                    event["job_id"] - 1, event["attempt"], ok or event["to_dlq"], ok, queue
                )
                assert outcomes.setdefault(event["seq"], outcome) == outcome
                if end <= synced:
                    durable.add(event["seq"])
        seqs = sorted(outcomes)
        assert durable == set(seqs[: len(durable)]), "a log is on disk with a hole"
        return _Log(seqs, tuple(outcomes[seq] for seq in seqs), len(durable))

    def _letters(self, logs: list[_Log]) -> list[tuple[int, int, int]]:
        with closing(sqlite3.connect(self._data / "dlq.db")) as connection:
            rows = connection.execute("SELECT stream, seq, job_id FROM dead_letters").fetchall()
        found = []
        for name, seq, job in rows:
            stream = self._streams.index(name)
            assert seq in logs[stream].seqs, "a dead letter without its outcome"
            found.append((stream, logs[stream].seqs.index(seq), job - 1))
        assert len(found) == len(set(found)), "a dead letter stands twice"
        return found

    def _saved(self, logs: list[_Log]) -> tuple[int, ...]:
        path = self._data / "stats.json"
        data = path.read_bytes() if path.exists() else None
        if data is None:
            return (0,) * len(logs)
        entries = parse_snapshot(data, "stats.json").streams
        saved = []
        for stream, log in zip(self._streams, logs, strict=True):
            entry = entries.get(stream)
            saved.append(bisect_left(log.seqs, entry.position.seq) if entry else 0)
        if data != self._checked:
            self._check(entries)
            self._checked = data
        return tuple(saved)

    def _check(self, entries: Mapping[str, Any]) -> None:
        """``stats.json`` is the fold of each log up to where it says."""
        for stream, entry in entries.items():
            fold = Fold()
            until = entry.position.segment, entry.position.offset
            folder = self._data / "events" / stream
            for _ in read_stream(fold, stream, folder, RealFileSystem(), until=until):
                pass
            assert fold.entry(stream) == entry, "stats.json is no fold of the log"
