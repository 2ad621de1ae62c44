"""Mending the streams of workers that died, when a worker starts and when one is idle.

Only who holds a stream's lock touches its log or its leases. The order, for each stream whose
lock is free: lock it, bring its log to the disk, cut a torn last line aside, apply the outcomes
that the queue has not seen, release what is still leased. One lock serialises all take-overs, so
that each starting worker finds a stream to go on with and their number does not grow.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from events.errors import SyncStatsError
from events.log.recovery import read_outcomes
from events.log.segment import list_segments
from events.log.stream import LOCK_NAME, list_streams, stream_folder
from events.model import JOB_FAILED, Failed
from worker.companions import Comparison
from worker.letters import ending_of_line, letter_of_line
from worker.recorder import Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from events.filesystem import FileSystem, Lock
    from sync_queue.dead_letters import DeadLetter
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.jobs import Ending, LeasedJob
    from sync_queue.queue import JobQueue
    from worker.own_stream import OwnStream, StreamOpener
    from worker.stopping import StopRequest

MAX_LOSSES = 3
"""A job that was leased when its worker died for the third time is ended as ``WorkerLost``."""
WORKER_LOST = "WorkerLost"
LOCK_PAUSE_S = 0.05
"""How long a starting worker pauses before it asks for the take-over lock again, in seconds."""


class TakeOver:
    """Opens a worker's own stream and takes over those of dead ones.

    Args:
        data: The data folder.
        queue: Its queue.
        letters: Its dead letters.
        streams: Opens and recovers its streams.
        fs: The file system the data folder is in.
        notice: Told, in one sentence each, what was found and mended.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        data: Path,
        queue: JobQueue,
        letters: DeadLetterQueue,
        streams: StreamOpener,
        *,
        fs: FileSystem,
        notice: Callable[[str], None],
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._data = data
        self._queue = queue
        self._letters = letters
        self._fs = fs
        self._notice = notice
        self._sleep = sleep
        self._lock_path = data / "takeover.lock"
        self._streams = streams
        self._lost: dict[tuple[int, int], LeasedJob] = {}  # taken, and perhaps not yet ended
        self._comparison = Comparison(data, queue, letters, streams, fs=fs, notice=notice)

    def start(self, stop: StopRequest) -> OwnStream | None:
        """Open a stream of our own, mend it, and mend all others whose workers are gone.

        Returns:
            The stream; None if a stop was asked for before there was one.

        Raises:
            SyncStatsError: A stream that holds jobs cannot be mended, or none can be begun.
        """
        lock = self._wait_for_lock(stop)
        if lock is None:
            return None
        with lock:
            self._comparison.compare()  # before the stream is opened: it names the queue
            own = self._streams.open()
            try:
                self._settle(own.name, own)
                self._mend_all(own, list_streams(self._data, self._fs), stop)
            except BaseException:
                own.close()
                raise
            return own

    def mend_dead(self, own: OwnStream, stop: StopRequest) -> int:
        """Mend the streams that still hold leases though their workers are gone.

        For an idle worker: returns how many were mended, 0 at once if another takes over just now.
        """
        if self._lost:  # what an error kept us from ending
            self._end_lost(own)
        held = [stream for stream in self._queue.leased_streams() if stream != own.name]
        if not held:
            return 0
        lock = self._fs.try_lock(self._lock_path)
        if lock is None:
            return 0
        with lock:
            return self._mend_all(own, held, stop)

    def let_go(self, own: OwnStream) -> int:
        """Release what our own stream still holds after an error, in the order of a take-over.

        Nobody was killed, so no job is charged with a loss. The stream takes no more events.

        Returns:
            How many jobs will run again.

        Raises:
            SyncStatsError: The log cannot be put in order, or the queue cannot be told.
        """
        released = self._interrupt(own.name, own.recorder.staged)
        leases = self._queue.leases(own.name)
        if leases:
            own.close_log()
            self._streams.recover(own.name)
            self._apply_unseen(own.name, leases)
            released += self._interrupt(own.name)
        return released

    def _interrupt(self, stream: str, but: Collection[tuple[int, int]] = ()) -> int:
        """Release what a stream holds, but for some, and for what was lost for good."""
        leases = [(job.id, job.attempt) for job in self._queue.leases(stream)]
        left = [lease for lease in leases if lease not in but and lease not in self._lost]
        return self._queue.interrupt(stream, left)

    def _wait_for_lock(self, stop: StopRequest) -> Lock | None:
        """The take-over lock. Not by waiting in the kernel: a signal would not end that."""
        while not stop.asked:
            lock = self._fs.try_lock(self._lock_path)
            if lock is not None:
                return lock
            self._sleep(LOCK_PAUSE_S)
        return None

    def _mend_all(self, own: OwnStream, streams: list[str], stop: StopRequest) -> int:
        mended = 0
        leased = self._queue.leased_streams()
        for stream in sorted({*streams, *leased} - {own.name}):
            if stop.asked:
                break  # each stream is mended wholly or not at all
            if stream not in leased and self._is_whole(stream):
                continue  # all of it was acknowledged, so synced: there may be one a boot of these
            try:
                mended += self._mend(stream, own)
            except (SyncStatsError, OSError) as error:
                if stream in leased:
                    raise
                self._notice(
                    f"stream {stream!r} cannot be put in order, and work goes on without, since "
                    f"it holds no jobs: {error}"
                )
        return mended

    def _is_whole(self, stream: str) -> bool:
        """Whether a stream's log ends with a whole line, as far as can be seen."""
        try:
            segments = list_segments(stream_folder(self._data, stream), self._fs)
            if not segments or segments[-1].compression:
                return True
            with self._fs.open_read(segments[-1].path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - 1, 0))
                return file.read(1) in {b"\n", b""}
        except (SyncStatsError, OSError):
            return False

    def _mend(self, stream: str, own: OwnStream) -> bool:
        """Mend one stream unless its worker lives; say whether it was mended."""
        folder = stream_folder(self._data, stream)
        if not self._fs.exists(folder):  # its log is gone: nothing says how its jobs ended
            self._settle(stream, own)
            return True
        lock = self._fs.try_lock(folder / LOCK_NAME)
        if lock is None:
            return False
        with lock:
            self._streams.recover(stream)
            self._settle(stream, own)
        return True

    def _settle(self, stream: str, own: OwnStream) -> None:
        """Apply what ``stream`` recorded, end what was lost too often, release the rest."""
        leases = self._queue.leases(stream)
        if not leases:
            return
        applied = self._apply_unseen(stream, leases)
        for job in self._queue.leases(stream):
            if job.losses + 1 >= MAX_LOSSES:
                self._take(job, stream, own)
        lost = self._end_lost(own)
        released = self._queue.release_lost(stream)
        self._notice(
            f"took over stream {stream!r}, whose worker is gone: {applied} recorded "
            f"outcome{'' if applied == 1 else 's'} applied, {lost} lost for good, "
            f"{released} to run again"
        )

    def _take(self, job: LeasedJob, stream: str, own: OwnStream) -> None:
        """Move a lease to our own stream, so that what we record of it applies."""
        self._lost[job.id, job.attempt] = job  # first: it may be told to fail, and be done
        self._queue.take_over(job.id, job.attempt, stream, own.name, own.recorder.next_seq)

    def _end_lost(self, own: OwnStream) -> int:
        """Record the end of the jobs that were taken; what was staged before is not done again."""
        if not self._lost:
            return 0
        held = {(job.id, job.attempt) for job in self._queue.leases(own.name)}
        lost = [self._lost[lease] for lease in held & self._lost.keys() - own.recorder.staged]
        for job in sorted(lost, key=lambda job: job.id):
            own.recorder.add(Ended(job, _worker_lost(job)))
        own.recorder.commit()
        self._lost.clear()
        return len(lost)

    def _apply_unseen(self, stream: str, leases: list[LeasedJob]) -> int:
        """Repeat step 4 for the outcomes in the log of ``stream``; return how many jobs it ended.

        The log is on the disk: recovery has synced it.
        """
        folder = stream_folder(self._data, stream)
        if not self._fs.exists(folder):
            return 0
        waiting = {(job.id, job.attempt): job for job in leases}
        endings: list[Ending] = []
        dead: list[DeadLetter] = []
        for line in read_outcomes(folder, min(job.lease_seq for job in leases), self._fs):
            ending = ending_of_line(line)
            job = None if ending is None else waiting.get((ending.job_id, ending.attempt))
            if ending is None or job is None or ending.seq < job.lease_seq:
                continue
            del waiting[ending.job_id, ending.attempt]
            endings.append(ending)
            if line.event == JOB_FAILED and line.to_dlq:
                dead.append(letter_of_line(job, line, stream, ending.seq))
        self._letters.insert(dead)
        if endings:
            self._queue.apply(stream, endings)
        return len(endings)


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
