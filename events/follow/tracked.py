"""One file that is followed, or what is remembered of one: its state."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from events.follow.fingerprint import HEAD_MARKS, Meter
from events.follow.names import is_archive
from events.follow.record import FileRecord, path_text, text_path

if TYPE_CHECKING:
    from events.filesystem import FileStatus
    from events.follow.places import Place
    from events.follow.record import Identity
    from events.follow.survey import Survey
    from events.follow.texts import OpenText


class FileState(Enum):
    """What is known of a file; what the system tells of it is a `FileStatus`.

    NEW: Not yet decided what it is; nothing of it was handed out, and it has no record.
    READ: It is read from `Meter.offset` on.
    COPY: All it holds is handed out from another file.
    OLD: It was there before its log was first looked at, and is not to be read.
    """

    NEW = 0
    READ = 1
    COPY = 2
    OLD = 3


class Tracked:
    """A file; or, where it stands nowhere and is not open, the memory of one.

    Attributes:
        log: The key of its log.
        path: Where it was seen last.
        hole: Up to where there are zero bytes that may be text not seen yet, and since when.
        identity: Device and inode; None for a memory that is found by its content only.
        state: What is known of it.
        meter: How far it was handed out, and what identifies that.
        size: Bytes in the file, compressed if it is, when it was last looked at.
        mtime_ns: Likewise, when it had been written to.
        broken: Why an archive could not be decompressed when it was looked at.
        done: An archive that was handed out whole.
        places: The paths that lead to it now.
        text: The open file.
        checked: Whether it was looked at, since it was opened or the records were given, if it
            holds what was read of it.
        changed_ns: When it was last seen to have changed, by the monotonic clock.
        fresh: Whether it may have been written to once more without another time or size.
        head: The marks of its first bytes as far as 4,096, as they stood when it was judged.
        first: The first 512 bytes likewise; b"" where that is not known.
        length: Bytes of its text, where they were counted.
        original: Of a copy, the file that it is a copy of.
        survey: What was seen of its text while judging it.
        waits: Whether it is to be judged again without having changed.
        lost: In which search its last place was lost.
        passing: An unfinished line that is too long, as far as it was seen.
        rest: Bytes of the unfinished last line.
        told: What was told of it, so as to tell it once.
        unsynced: Whether it was told that it cannot be synced.
    """

    __slots__ = (
        "_record",
        "_recorded",
        "broken",
        "changed_ns",
        "checked",
        "done",
        "first",
        "fresh",
        "head",
        "hole",
        "identity",
        "length",
        "log",
        "lost",
        "meter",
        "mtime_ns",
        "original",
        "passing",
        "path",
        "places",
        "rest",
        "size",
        "state",
        "survey",
        "text",
        "told",
        "unsynced",
        "waits",
    )

    def __init__(self, log: str, path: str, identity: Identity | None) -> None:
        self.log = log
        self.path = path
        self.identity = identity
        self.state = FileState.NEW
        self.meter = Meter()
        self.size = -1
        self.mtime_ns = 0
        self.done = False
        self.places: list[Place] = []
        self.text: OpenText | None = None
        self.checked = True
        self.changed_ns = 0
        self.fresh = False
        self.head: list[int] = []
        self.first = b""
        self.length: int | None = None
        self.original: Tracked | None = None
        self.survey: Survey | None = None
        self.waits = False
        self.lost = -1
        self.rest = 0
        self.passing: Meter | None = None
        self.told = ""
        self.unsynced = False
        self.broken = ""
        self.hole: tuple[int, int] | None = None
        self._record: FileRecord | None = None
        self._recorded: object = None

    @property
    def compressed(self) -> bool:
        """Whether it is an archive."""
        return is_archive(self.path)

    @property
    def gone(self) -> bool:
        """Whether it stands nowhere and is not open: what was read of it may be found elsewhere."""
        return not self.places and self.text is None

    @property
    def named(self) -> bool:
        """Whether it stands at a path that was asked for, and is no sibling of such a one."""
        return any(not place.sibling for place in self.places)

    def saw(self, status: FileStatus) -> None:
        """Take it as looked at in this state."""
        self.size = status.size
        self.mtime_ns = status.mtime_ns

    def differs(self, status: FileStatus) -> bool:
        """Whether it was changed since it was looked at."""
        return status.size != self.size or status.mtime_ns != self.mtime_ns

    def remember(self) -> Tracked:
        """What was read so far, as a memory of its own; this file is to be judged anew."""
        memory = Tracked(self.log, self.path, None)
        memory.state, memory.meter, memory.done = self.state, self.meter, self.done
        memory.size, memory.mtime_ns, memory.length = self.size, self.mtime_ns, self.length
        memory.head = list(self.meter.marks[:HEAD_MARKS])
        self.forget()
        return memory

    def forget(self) -> None:
        """Begin at nothing: it is another text."""
        self.state, self.meter, self.done, self.size = FileState.NEW, Meter(), False, -1
        self.head, self.length, self.original, self.survey = [], None, None, None
        self.passing, self.rest, self.checked, self.fresh = None, 0, True, False
        self.waits, self.told, self.broken, self.first, self.hole = True, "", "", b"", None
        if self.text is not None:
            self.text.again()

    def go_on_from(self, memory: Tracked) -> None:
        """Take over what was read of a file that is gone: this one holds it."""
        self.meter = memory.meter.copy()
        self.state = memory.state
        self.done = False
        self.checked = False
        self.waits = False

    def record(self) -> FileRecord:
        """What is to be saved; one object as long as nothing of it changes: most files rest."""
        meter = self.meter
        # What else there is of the meter follows from these two.
        shown = self.log, self.path, self.identity, meter.offset, meter.crc
        recorded = *shown, self.size, self.mtime_ns, self.done, self.state
        if self._record is None or recorded != self._recorded:
            self._recorded, self._record = recorded, self._new_record()
        return self._record

    def _new_record(self) -> FileRecord:
        device, inode = self.identity or (0, 0)
        meter = self.meter
        return FileRecord(
            log=self.log,
            path=path_text(self.path),
            device=device,
            inode=inode,
            offset=meter.offset,
            marks=tuple(meter.marks),
            crc=meter.crc,
            tail_length=meter.tail_length,
            tail_crc=meter.tail_crc,
            ends=tuple(meter.ends),
            size=max(self.size, 0),
            mtime_ns=self.mtime_ns,
            done=self.done,
            old=self.state is FileState.OLD,
            copy=self.state is FileState.COPY,
        )


def from_record(record: FileRecord) -> Tracked:
    """The file as it was saved; where it stands now is still to be found."""
    identity = (record.device, record.inode) if record.inode or record.device else None
    file = Tracked(record.log, text_path(record.path), identity)
    file.state = FileState.OLD if record.old else FileState.COPY if record.copy else FileState.READ
    file.meter = Meter(
        record.offset, record.crc, record.marks, record.tail_length, record.tail_crc, record.ends
    )
    file.size, file.mtime_ns, file.done = record.size, record.mtime_ns, record.done
    file.head = list(record.marks[:HEAD_MARKS])
    file.checked = False
    return file
