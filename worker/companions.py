"""Whether queue, log and dead letters of a data folder are of one age: asked at a worker's start.

Each of them can be lost by itself, cut, or put back from a backup. What the queue noted of the
others (`sync_queue.companions`) shows it, and what is done then is always the same:

- A log that ends before what was acknowledged is never written to again: its numbers would be
  given twice. Its outcomes are missing until a newer copy of it is put back.
- A queue that does not know outcomes that were recorded for it is older than the log. Its jobs run
  again, and it goes on as another queue, so that a job and an attempt name one run for ever.
- Dead letters that are missing can be put back from the log.

Each is told in one sentence. The caller holds the take-over lock, so no stream is opened
meanwhile; those of living workers are passed over.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from events.calls import call
from events.errors import EventsError
from events.log.stream import LOCK_NAME, list_streams, stream_folder
from sync_queue.companions import KnownStream
from worker.log_end import Unknown, pruned_beyond, read_end, unknown_outcomes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.filesystem import FileSystem
    from sync_queue.dlq import DeadLetterQueue
    from sync_queue.queue import JobQueue
    from worker.own_stream import StreamOpener

_LOOKS = 5
"""How often a stream is looked at whose segments go meanwhile; then the next start does it."""


class Comparison:
    """Compares the files of one data folder, once.

    Args:
        data: The data folder.
        queue: Its queue.
        letters: Its dead letters.
        streams: Recovers its streams, and knows how far each must go.
        fs: The file system the data folder is in.
        notice: Told, in one sentence each, what was found.
        new_id: Makes the id of a queue that goes on as another one.
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
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._data = data
        self._queue = queue
        self._letters = letters
        self._streams = streams
        self._fs = fs
        self._notice = notice
        self._new_id = new_id
        self._queue_id = ""
        self._unknown: dict[KnownStream, Unknown] = {}
        self._looked: dict[str, int] = {}

    def compare(self) -> None:
        """Compare all, tell what was found, and bring the queue up to it.

        Raises:
            QueueError: A database cannot be used.
        """
        companions = self._queue.companions
        streams = list_streams(self._data, self._fs)
        if companions.is_unmarked():
            companions.take_as_applied(map(self._as_it_is, streams))
        known = companions.streams()
        self._queue_id = self._queue.queue_id
        for stream in streams:
            self._compare(known.get(stream, KnownStream(stream)))
        for stream in sorted(known.keys() - set(streams)):
            self._tell_short(known[stream], 0, known[stream].next_seq)
        companions.looked(self._looked)
        if self._unknown:
            self._begin_anew()
        self._compare_letters()

    def _as_it_is(self, stream: str) -> KnownStream:
        """What a queue that noted nothing may take for applied: all but what is leased still."""
        try:
            end = read_end(stream_folder(self._data, stream), 0, self._fs).next_seq
        except (EventsError, OSError):
            return KnownStream(stream)
        applied = min([end, *(job.lease_seq for job in self._queue.leases(stream))])
        return KnownStream(stream, applied, next_letter(self._letters, stream))

    def _compare(self, known: KnownStream) -> None:
        for _ in range(_LOOKS):
            try:
                self._look(known)
            except FileNotFoundError:  # a segment was pruned since it was listed: look again
                continue
            return

    def _look(self, known: KnownStream) -> None:
        folder = stream_folder(self._data, known.stream)
        since = max(known.next_seq, known.looked_seq)
        try:
            end = read_end(folder, since, self._fs)
            is_beyond = end.is_beyond or pruned_beyond(folder, since, self._fs) > 0
        except FileNotFoundError:
            raise
        except (EventsError, OSError):
            return  # whoever has to read it tells that it cannot be read
        is_short = end.next_seq < self._streams.known_seq(known.stream)
        if not is_short and known.told_end is not None:
            self._queue.companions.tell_end(known.stream, None)
        if not (is_beyond or (is_short and end.next_seq != known.told_end)):
            return
        try:
            lock = self._fs.try_lock(folder / LOCK_NAME)
            if lock is None:
                return  # its worker lives, and is between writing and acknowledging
            with lock:
                self._judge(self._queue.companions.stream(known.stream), folder)
        except FileNotFoundError:
            raise
        except (EventsError, OSError) as error:
            self._notice(f"stream {known.stream!r} cannot be compared with the queue: {error}")

    def _judge(self, known: KnownStream, folder: Path) -> None:
        """Look closely at a stream that nobody writes to."""
        least = self._streams.known_seq(known.stream)
        leases = self._queue.leases(known.stream)
        found = unknown_outcomes(folder, known, leases, self._queue_id, self._fs)
        if found.outcomes or found.pruned:
            # Taken for applied only when it is sure to stay: so on the disk, and without torn line.
            end = self._streams.recover(known.stream).next_seq
            found = unknown_outcomes(folder, known, leases, self._queue_id, self._fs)
            self._unknown[known._replace(next_seq=end, next_dead=found.next_dead)] = found
            return
        end = read_end(folder, 0, self._fs).next_seq
        if end < least:
            end = self._streams.recover(known.stream).next_seq
        if end < least:
            self._tell_short(known, end, least)
        elif not leases:
            self._looked[known.stream] = end
        elif pruned := pruned_beyond(folder, known.next_seq, self._fs):
            self._looked[known.stream] = pruned  # it is known by the leases, which will end

    def _tell_short(self, known: KnownStream, end: int, least: int) -> None:
        if end >= least or known.told_end == end:
            return
        self._notice(
            f"the log of stream {known.stream!r} ends before seq {end}, and the queue or the dead "
            f"letters know of it up to seq {least - 1}: what is between is missing (the log was "
            f"cut or lost, or an older copy was restored). Put a newer events/{known.stream} back "
            "if there is one; the stats count what the log holds, and the stream is not gone on "
            "with"
        )
        self._queue.companions.tell_end(known.stream, end)

    def _begin_anew(self) -> None:
        queue_id = self._new_id()
        self._queue.companions.begin_anew(
            queue_id, self._unknown, max(each.last_job_id for each in self._unknown.values())
        )
        count = sum(each.outcomes for each in self._unknown.values())
        outcomes = "1 outcome" if count == 1 else f"{count} outcomes"
        if not any(each.pruned for each in self._unknown.values()):
            holds = f"holds {outcomes} that it does not know"
        elif count:
            holds = (
                f"holds {outcomes} that it does not know, and held others that were pruned since"
            )
        else:
            holds = "held outcomes that it does not know, and that were pruned since"
        self._notice(
            f"{self._queue.path.name} is older than the log (restored from a backup?): the log "
            f"{holds}. Their jobs, where they wait in it again, "
            "are run again and count as runs of their own (at least once); the queue goes on "
            f"under a new id, {queue_id}"
        )

    def _compare_letters(self) -> None:
        companions = self._queue.companions
        before, dlq_id = companions.letters(), self._letters.dlq_id
        behind = before.behind or any(
            next_letter(self._letters, known.stream) < known.next_dead
            for known in companions.streams().values()
            if known.next_dead
        )
        if (dlq_id, behind) != before:
            companions.note_letters(dlq_id, behind=behind)
        if behind:
            name = self._letters.db_path.name
            restore = call("dlq restore", self._data)
            self._notice(
                f"{name} lacks dead letters that the queue knows of (it was lost and made anew, or "
                f"an older copy was restored): {restore} puts them back from the log, without "
                f"their jobs; or stop all workers, put a newer {name} back, and call it then"
            )


def next_letter(letters: DeadLetterQueue, stream: str) -> int:
    """One more than the last outcome of a stream that a letter, there or deleted, tells of."""
    highest = letters.highest_seq(stream)
    return 0 if highest is None else highest + 1
