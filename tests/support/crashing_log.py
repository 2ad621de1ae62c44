"""A worker's stream written on the file system in memory, and what was promised of it.

All that writes is real: the opening of streams, recovery, emitter, writer, recorder. Only in the
place of the queue and the dead letters stands who notes what they are told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from events.errors import SyncStatsError
from events.model import Failed, Succeeded
from events.redaction import Redactor
from sync_queue.companions import KnownStream
from sync_queue.jobs import LeasedJob
from tests.support.crash_checks import lines_of
from tests.support.held_clock import HeldClock
from worker.own_stream import Identity, StreamOpener
from worker.recorder import Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_queue.dead_letters import DeadLetter
    from sync_queue.jobs import Ending
    from tests.support.model_filesystem import ModelFileSystem

DATA = Path("/disk/data")
SEGMENT_BYTES = 700
"""So small that a segment holds three or four lines."""
_REDACTOR = Redactor()


@dataclass
class Promises:
    """What was acknowledged, over all processes that wrote.

    Attributes:
        lines: For each stream, its acknowledged lines by number.
        dead: For each stream, the highest number of a dead letter.
        sessions: How many processes there were, which names their streams, epochs and jobs.
    """

    lines: dict[str, dict[int, bytes]] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    sessions: int = 0

    def copy(self) -> Promises:
        """For another way in which things may go on."""
        lines = {name: dict(lines) for name, lines in self.lines.items()}
        return Promises(lines, dict(self.dead), self.sessions)


class Hearer:
    """Stands for the queue and the dead letters of a worker that leases nothing.

    It notes what they are told, and answers what they would (a contract test asks the real ones).
    Like them it is on a disk of its own: SQLite's ways to survive a power cut are not the question.
    """

    queue_id = "q"

    def __init__(self, fs: ModelFileSystem, promises: Promises) -> None:
        self._fs = fs
        self._promises = promises

    @property
    def companions(self) -> Hearer:
        """What the queue knows of the log."""
        return self

    def stream(self, stream: str) -> KnownStream:
        """Up to where a stream's outcomes were applied."""
        return KnownStream(stream, max(self._promises.lines.get(stream, ()), default=-1) + 1)

    def apply(
        self, stream: str, endings: Sequence[Ending], *, claim: int = 0, next_seq: int = 0
    ) -> list[LeasedJob]:
        """Outcomes are acknowledged: their lines are in the log, and all that stand before them.

        Also what another process has left there: a take-over tells the queue of it.
        """
        del claim, next_seq
        self._promise(stream, max((ending.seq for ending in endings), default=-1))
        return []

    def insert(self, letters: Sequence[DeadLetter]) -> int:
        """Dead letters are stored: their outcomes are in the log."""
        for letter in letters:
            if letter.stream is None or letter.seq is None:
                raise AssertionError
            self._promise(letter.stream, letter.seq)
            self._promises.dead[letter.stream] = letter.seq
        return len(letters)

    def highest_seq(self, stream: str) -> int | None:
        """The highest number of a dead letter."""
        return self._promises.dead.get(stream)

    def highest_lease_seq(self, stream: str) -> None:
        """No leases."""

    def _promise(self, stream: str, until: int) -> None:
        promised = self._promises.lines.setdefault(stream, {})
        if until in promised or until < 0:
            return
        written = lines_of(self._fs, DATA, stream, after_lost_pages=True)
        assert until in written, f"line {until} of {stream} is acknowledged and not in the log"
        for seq, line in written.items():
            if seq <= until:
                promised.setdefault(seq, line)


class Session:
    """One process that writes to a stream.

    Args:
        fs: The process's file system.
        promises: Told of what is acknowledged.
        boot_id: The machine's boot.
        segment_bytes: As of the writer.

    Attributes:
        stream: The stream's name.
        notices: What was told.
    """

    def __init__(
        self,
        fs: ModelFileSystem,
        promises: Promises,
        *,
        boot_id: str = "boot-1",
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.notices: list[str] = []
        self._session = promises.sessions
        self._named = 0
        promises.sessions += 1
        hearer = cast("Any", Hearer(fs, promises))
        fs.make_folder(DATA)
        self._own = StreamOpener(
            DATA,
            hearer,
            hearer,
            Identity("nas", boot_id, {"queue_id": "q"}, {}),
            fs=fs,
            clock=HeldClock(),
            redactor=_REDACTOR,
            segment_bytes=segment_bytes,
            notice=self.notices.append,
            random=self._name,
        ).open()
        self.stream = self._own.name

    def _name(self, size: int) -> bytes:
        self._named += 1
        return (self._session * 1000 + self._named).to_bytes(size, "big")

    def add(self, count: int) -> None:
        """Finish so many attempts: of three the first is a success, the second dead."""
        recorder = self._own.recorder
        for _ in range(count):
            seq = recorder.next_seq
            job = LeasedJob(seq, "k", self._session, "{}", None, 1, 0, 0, 0, 0, 0, 0)
            known: dict[str, Any] = {
                "job_id": job.id,
                "kind": job.kind,
                "scene_id": job.scene_id,
                "attempt": 1,
                "duration_ns": seq * 1000,
            }
            if seq % 3:
                recorder.add(Ended(job, Succeeded(**known)))
            else:
                failed = Failed(**known, error_type="E", error="no\nitem", to_dlq=seq % 2 == 0)
                recorder.add(Ended(job, failed))

    def commit(self, count: int = 1) -> None:
        """Finish so many attempts; acknowledge them when they are on the disk."""
        self.add(count)
        self._own.recorder.commit()

    def persist(self, count: int = 1, tries: int = 9) -> None:
        """As `commit`, and again until it succeeds, as a worker waits trouble out.

        Raises:
            SyncStatsError: It lasts longer than so many tries.
        """
        self.add(count)
        for left in reversed(range(tries)):
            try:
                self._own.renew()
                self._own.recorder.commit()
            except SyncStatsError:
                if not left:
                    raise
            else:
                return

    def abandon(self) -> None:
        """Give up after an error."""
        self._own.close()

    def close(self) -> None:
        """Let the stream go."""
        self._own.close()
