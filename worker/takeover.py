"""Finding a stream to write to, and mending those of workers that died.

Only who holds a stream's lock touches its log or its leases. The order, for each stream whose
lock is free: lock it, bring its log to the disk, cut a torn last line aside, apply the outcomes
that the queue has not seen, release what is still leased. One lock serialises all take-overs, so
that each starting worker finds a stream to go on with and their number does not grow.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import UNSET

from events.clock import to_us
from events.emitter import Emitter
from events.log.owner import owns, write_owner
from events.log.recovery import read_outcomes, recover
from events.log.stream import list_streams, new_stream_id, stream_folder
from events.log.writer import StreamWriter
from events.model import JOB_FAILED, Failed
from worker.letters import ending_of_line, letter_of
from worker.recorder import Ended, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from events.clock import Clock
    from events.filesystem import FileSystem, Lock
    from events.log.recovery import Recovered
    from events.model import Line
    from events.redaction import Redactor
    from sync_queue.dead_letters import DeadLetter
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import Ending, LeasedJob
    from sync_queue.queue import JobQueue

MAX_LOSSES = 3
"""A job that was leased when its worker died for the third time is ended as ``WorkerLost``."""
WORKER_LOST = "WorkerLost"


@dataclass(frozen=True)
class OwnStream:
    """The stream that a worker writes to, and what it holds while it lives.

    Attributes:
        name: The stream's id.
        recorder: Writes outcomes to it and acknowledges them.
        writer: Its log.
        lock: Its lock; the kernel frees it if the process dies.
    """

    name: str
    recorder: Recorder
    writer: StreamWriter
    lock: Lock

    def close(self) -> None:
        """Close the log and let the stream go, for another worker to go on with."""
        self.writer.close()
        self.lock.release()


@dataclass(frozen=True)
class Identity:
    """What a worker is known by.

    Attributes:
        host: The machine's name; readable part of a new stream's id.
        boot_id: This start of the machine.
        opened: What ``stream.opened`` tells beside the epoch: queue_id, host, pid, version.
        context: Fields that every event of this worker bears.
    """

    host: str
    boot_id: str
    opened: Mapping[str, Any]
    context: Mapping[str, Any]


class TakeOver:
    """Opens a worker's own stream and takes over those of dead ones.

    Args:
        data: The data folder.
        queue: Its queue.
        letters: Its dead letters.
        identity: Who is asking.
        fs: The file system the data folder is in.
        clock: For events' timestamps.
        redactor: Masks secrets in what is written.
        segment_bytes: Size at which a new segment is begun.
        notice: Told, in one sentence each, what was found and mended.
        random: Gives so many random bytes, for names of streams and epochs.

    Attributes:
        lost: How many jobs this object ended as ``WorkerLost``.
    """

    def __init__(
        self,
        data: Path,
        queue: JobQueue,
        letters: DeadLetterQueue,
        identity: Identity,
        *,
        fs: FileSystem,
        clock: Clock,
        redactor: Redactor,
        segment_bytes: int,
        notice: Callable[[str], None],
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._data = data
        self._queue = queue
        self._letters = letters
        self._identity = identity
        self._fs = fs
        self._clock = clock
        self._redactor = redactor
        self._segment_bytes = segment_bytes
        self._notice = notice
        self._random = random
        self._lock_path = data / "takeover.lock"
        self.lost = 0

    def start(self) -> OwnStream:
        """Open a stream of our own, mend it, and mend all others whose workers are gone."""
        with self._fs.lock(self._lock_path):
            own = self._reopen() or self._begin()
            try:
                self._settle(own.name, own)
                self._mend_all(own, list_streams(self._data, self._fs))
            except BaseException:
                own.close()
                raise
            return own

    def mend_dead(self, own: OwnStream) -> int:
        """Mend the streams that still hold leases though their workers are gone.

        For an idle worker: returns how many were mended, 0 at once if another takes over just now.
        """
        held = [stream for stream in self._queue.leased_streams() if stream != own.name]
        if not held:
            return 0
        lock = self._fs.try_lock(self._lock_path)
        if lock is None:
            return 0
        with lock:
            return self._mend_all(own, held)

    def _mend_all(self, own: OwnStream, streams: list[str]) -> int:
        mended = 0
        for stream in sorted({*streams, *self._queue.leased_streams()} - {own.name}):
            folder = stream_folder(self._data, stream)
            if not self._fs.exists(folder):  # its log is gone: nothing says how its jobs ended
                self._settle(stream, own)
                mended += 1
                continue
            lock = self._fs.try_lock(folder / "lock")
            if lock is None:
                continue  # its worker lives
            with lock:
                self._recover(stream, folder)
                self._settle(stream, own)
                mended += 1
        return mended

    def _reopen(self) -> OwnStream | None:
        """The first stream that this machine may go on numbering and whose lock is free."""
        for stream in list_streams(self._data, self._fs):
            folder = stream_folder(self._data, stream)
            if not owns(folder, self._fs, self._identity.boot_id):
                continue
            lock = self._fs.try_lock(folder / "lock")
            if lock is None:
                continue
            try:
                recovered = self._recover(stream, folder)
                if self._known_seq(stream) <= recovered.next_seq:
                    return self._open(stream, lock, recovered)
            except BaseException:
                lock.release()
                raise
            self._notice(
                f"the log of stream {stream!r} ends before seq {self._known_seq(stream)}, which "
                "the queue or the dead letters know of (an older copy was restored?): "
                "it is left as it is, and a new stream is begun"
            )
            lock.release()
        return None

    def _known_seq(self, stream: str) -> int:
        """The least next seq that the log must have, by what was acknowledged from it."""
        died = self._letters.highest_seq(stream)
        leased = self._queue.highest_lease_seq(stream)
        return max(0 if died is None else died + 1, leased or 0)

    def _begin(self) -> OwnStream:
        stream = new_stream_id(self._identity.host, self._random)
        folder = stream_folder(self._data, stream)
        self._fs.make_folder(folder)
        lock = self._fs.lock(folder / "lock")
        write_owner(folder, self._fs, self._identity.boot_id)
        return self._open(stream, lock, None)

    def _open(self, stream: str, lock: Lock, recovered: Recovered | None) -> OwnStream:
        writer = StreamWriter(
            stream_folder(self._data, stream),
            next_seq=recovered.next_seq if recovered else 0,
            fs=self._fs,
            segment_bytes=self._segment_bytes,
            tail=recovered.tail if recovered else None,
        )
        emitter = Emitter(
            writer,
            stream=stream,
            epoch=self._random(8).hex(),
            opened=self._identity.opened,
            clock=self._clock,
            redactor=self._redactor,
            context=self._identity.context,
        )
        recorder = Recorder(emitter, self._queue, self._letters, clock=self._clock)
        return OwnStream(stream, recorder, writer, lock)

    def _recover(self, stream: str, folder: Path) -> Recovered:
        recovered = recover(folder, self._fs)
        if recovered.torn is not None:
            self._notice(
                f"stream {stream!r}: the last line was torn by a crash; its "
                f"{recovered.torn.size} bytes were moved to {recovered.torn.path.name}"
            )
        return recovered

    def _settle(self, stream: str, own: OwnStream) -> None:
        """Apply what ``stream`` recorded, end what was lost too often, release the rest."""
        leases = self._queue.leases(stream)
        if not leases:
            return
        applied = self._apply_unseen(stream, leases)
        lost = [
            job
            for job in self._queue.leases(stream)
            if job.losses + 1 >= MAX_LOSSES and self._take(job, stream, own)
        ]
        for job in lost:
            own.recorder.add(Ended(job, _worker_lost(job)))
        if lost:
            own.recorder.commit()
            self.lost += len(lost)
        released = self._queue.release_lost(stream)
        self._notice(
            f"took over stream {stream!r}, whose worker is gone: {applied} recorded "
            f"outcome{'' if applied == 1 else 's'} applied, {len(lost)} lost for good, "
            f"{released} to run again"
        )

    def _take(self, job: LeasedJob, stream: str, own: OwnStream) -> bool:
        """Move a lease to our own stream, so that what we record of it applies."""
        return self._queue.take_over(job.id, job.attempt, stream, own.name, own.recorder.next_seq)

    def _apply_unseen(self, stream: str, leases: list[LeasedJob]) -> int:
        """Repeat step 4 for the outcomes in the log of ``stream``; return how many jobs it ended.

        The log is on the disk: `recover` has synced it.
        """
        folder = stream_folder(self._data, stream)
        if not self._fs.exists(folder):
            return 0
        waiting = {(job.id, job.attempt): job for job in leases}
        endings: list[Ending] = []
        letters: list[DeadLetter] = []
        for line in read_outcomes(folder, min(job.lease_seq for job in leases), self._fs):
            ending = ending_of_line(line)
            if ending is None:
                continue
            job = waiting.get((ending.job_id, ending.attempt))
            if job is None or ending.seq < job.lease_seq:
                continue
            del waiting[ending.job_id, ending.attempt]
            endings.append(ending)
            if line.event == JOB_FAILED and line.to_dlq:
                letters.append(_letter(job, line, stream, ending.seq))
        self._letters.insert(letters)
        if endings:
            self._queue.apply(stream, endings)
        return len(endings)


def _letter(job: LeasedJob, line: Line, stream: str, seq: int) -> DeadLetter:
    died_us = 0 if line.timestamp is UNSET else to_us(line.timestamp)
    return letter_of(job, line, stream=stream, seq=seq, failed_at_us=died_us)


def _worker_lost(job: LeasedJob) -> Failed:
    return Failed(
        job_id=job.id,
        kind=job.kind,
        attempt=job.attempt,
        scene_id=job.scene_id,
        error_type=WORKER_LOST,
        error=f"the worker died {MAX_LOSSES} times while it held this job",
        to_dlq=True,
    )
