"""The stream that a worker writes to: one to go on with, or a new one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.emitter import Emitter
from events.errors import SyncStatsError
from events.log.numbers import MOST_NEXT_SEQ
from events.log.owner import owns, write_owner
from events.log.recovery import recover
from events.log.stream import LOCK_NAME, list_streams, new_stream_id, stream_folder
from events.log.writer import StreamWriter
from worker.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from events.clock import Clock
    from events.filesystem import FileSystem, Lock
    from events.log.recovery import Recovered
    from events.redaction import Redactor
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.queue import JobQueue


class OwnStream:
    """The stream that a worker writes to, and what it holds while it lives.

    Args:
        emitter: Numbers and buffers its events.
        writer: Its log.
        recorder: Writes outcomes to it and acknowledges them.
        lock: Its lock; the kernel frees it if the process dies.
        new_epoch: Gives a random name for another opening of the stream.

    Attributes:
        name: The stream's id.
        recorder: As above.
    """

    def __init__(
        self,
        emitter: Emitter,
        writer: StreamWriter,
        recorder: Recorder,
        lock: Lock,
        new_epoch: Callable[[], str],
    ) -> None:
        self.name = emitter.stream
        self.recorder = recorder
        self._emitter = emitter
        self._writer = writer
        self._lock = lock
        self._new_epoch = new_epoch

    def renew(self) -> None:
        """Go on after the log could not be written to; nothing if it could.

        What may not be on the disk is then, and the next outcome opens a new epoch.

        Raises:
            LogWriteError: The log still cannot be written to.
        """
        if self._writer.is_poisoned:
            self._writer = self._writer.renew()
            self._emitter.renew(self._writer, self._new_epoch())

    def close_log(self) -> None:
        """Write nothing more; the stream's lock is held on."""
        self._writer.close()

    def close(self) -> None:
        """Close the log and let the stream go, for another worker to go on with."""
        try:
            self._writer.close()
        finally:
            self._lock.release()


@dataclass(frozen=True)
class Identity:
    """What a worker is known by.

    Attributes:
        host: The machine's name; readable part of a new stream's id.
        boot_id: This start of the machine.
        opened: What ``stream.opened`` tells beside epoch and queue_id: host, pid, version.
        context: Fields that every event of this worker bears.
    """

    host: str
    boot_id: str
    opened: Mapping[str, Any]
    context: Mapping[str, Any]


class StreamOpener:
    """Opens streams of one data folder for writing. Its caller holds the take-over lock.

    Args:
        data: The data folder.
        queue: Its queue.
        letters: Its dead letters.
        identity: Who is asking.
        fs: The file system the data folder is in.
        clock: For events' timestamps.
        redactor: Masks secrets in what is written.
        segment_bytes: Size at which a new segment is begun.
        segment_age_s: Age at which one is, in seconds; None: whatever its age.
        notice: Told, in one sentence each, what was found.
        random: Gives so many random bytes, for names of streams and epochs.
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
        segment_age_s: float | None = None,
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
        self._segment_age_s = segment_age_s
        self._notice = notice
        self._random = random

    def open(self) -> OwnStream:
        """Go on with a stream of this machine that nobody writes to, or begin one."""
        for stream in list_streams(self._data, self._fs):
            folder = stream_folder(self._data, stream)
            if not owns(folder, self._fs, self._identity.boot_id):
                continue
            lock = self._fs.try_lock(folder / LOCK_NAME)
            if lock is None:
                continue
            try:
                own = self._go_on(stream, lock)
            except BaseException:
                lock.release()
                raise
            if own is not None:
                return own
            lock.release()
        return self._begin()

    def recover(self, stream: str) -> Recovered:
        """Put the log of a stream in order, and tell if its last line was torn.

        Raises:
            SyncStatsError: It cannot be put in order.
        """
        folder = stream_folder(self._data, stream)
        recovered = recover(folder, self._fs, self.known_seq(stream))
        if recovered.torn is not None:
            self._notice(
                f"stream {stream!r}: the last line was torn by a crash; its "
                f"{recovered.torn.size} bytes were moved to {recovered.torn.path.name}"
            )
        return recovered

    def _go_on(self, stream: str, lock: Lock) -> OwnStream | None:
        """Open a stream that is there; None if it must not be written to."""
        try:
            recovered = self.recover(stream)
        except SyncStatsError as error:
            self._notice(f"stream {stream!r} is not gone on with: {error}")
            return None
        if recovered.next_seq > MOST_NEXT_SEQ:
            self._notice(
                f"stream {stream!r} is not gone on with: its log holds seq "
                f"{recovered.next_seq - 1}, which no worker gets to by counting (a line, or the "
                "name of a segment, was made up or is damaged)"
            )
            return None
        if self.known_seq(stream) > recovered.next_seq:
            return None  # `worker.companions` has told it
        return self._open(stream, lock, recovered)

    def known_seq(self, stream: str) -> int:
        """The least next seq that the log must have, by what was acknowledged from it."""
        applied = self._queue.companions.stream(stream).next_seq
        died = self._letters.highest_seq(stream)
        leased = self._queue.highest_lease_seq(stream)
        return max(applied, 0 if died is None else died + 1, leased or 0)

    def _begin(self) -> OwnStream:
        stream = new_stream_id(self._identity.host, self._random)
        folder = stream_folder(self._data, stream)
        self._fs.make_folder(folder)
        lock = self._fs.lock(folder / LOCK_NAME)
        try:
            write_owner(folder, self._fs, self._identity.boot_id)
            return self._open(stream, lock, None)
        except BaseException:
            lock.release()
            raise

    def _open(self, stream: str, lock: Lock, recovered: Recovered | None) -> OwnStream:
        writer = StreamWriter(
            stream_folder(self._data, stream),
            next_seq=recovered.next_seq if recovered else 0,
            fs=self._fs,
            segment_bytes=self._segment_bytes,
            segment_age_s=self._segment_age_s,
            clock=self._clock,
            tail=recovered.tail if recovered else None,
        )
        emitter = Emitter(
            writer,
            stream=stream,
            epoch=self._new_epoch(),
            opened={**self._identity.opened, "queue_id": self._queue.queue_id},
            clock=self._clock,
            redactor=self._redactor,
            context=self._identity.context,
        )
        recorder = Recorder(emitter, self._queue, self._letters)
        return OwnStream(emitter, writer, recorder, lock, self._new_epoch)

    def _new_epoch(self) -> str:
        return self._random(8).hex()
