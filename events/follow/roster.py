"""All files that are known: those that are there, and the memories of those that are gone."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.follow.fingerprint import Meter
from events.follow.names import is_archive
from events.follow.open_files import MovedError
from events.follow.record import FileRecord, path_text
from events.follow.remembering import KnownLogs, to_forget
from events.follow.tracked import FileState, Tracked, from_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.filesystem import FileStatus
    from events.follow.open_files import OpenFiles
    from events.follow.places import Place
    from events.follow.record import Identity


class Roster:
    """The files by what they are; places come and go.

    Args:
        records: What was saved.
        files: Opens and closes them.

    Attributes:
        unread: Files that may have more to hand out.
        loose: Files that are open and have no name any more.
        judged: Files that are to be judged, or judged again.
        logs: The logs that were looked at before.
        search: How many searches were begun; a file whose place is lost notes it.
        searched: The last one that was gone through.
    """

    def __init__(self, records: Iterable[FileRecord], files: OpenFiles) -> None:
        self._open = files
        self._by_identity: dict[Identity, Tracked] = {}
        self._memories: dict[Tracked, None] = {}
        self._copies: dict[Tracked, None] = {}  # and what was one
        records = list(records)
        self.logs = KnownLogs(record.log for record in records)
        self.unread: dict[Tracked, None] = {}
        self.loose: dict[Tracked, None] = {}
        self.judged: dict[Tracked, None] = {}
        self.search = 0
        self.searched = 0
        for number, record in enumerate(records, -len(records)):
            file = from_record(record)
            file.lost = number  # before all that are lost from now on
            if file.state is FileState.COPY:
                self.note_copy(file)
            if not file.meter.offset and (file.state is FileState.READ or not file.size):
                continue  # nothing that it could be known by: another file may have its inode
            if file.identity is not None and file.identity not in self._by_identity:
                self._by_identity[file.identity] = file
            elif file.meter.offset:
                file.identity = None
                self._memories[file] = None

    def __iter__(self) -> Iterator[Tracked]:
        return chain(self._by_identity.values(), self._memories)

    def at(self, identity: Identity, place: Place) -> Tracked:
        """The file of this device and inode, which may only now have become known."""
        file = self._by_identity.get(identity)
        if file is not None and file.gone and file.compressed != is_archive(place.path):
            self._detach(file)  # its inode was given to another file
            file = None
        if file is None:
            file = self._by_identity[identity] = Tracked(place.log, place.path, identity)
            self.to_judge(file)
        return file

    def arrive(self, file: Tracked, place: Place) -> None:
        """A place leads to the file."""
        place.file = file
        file.places.append(place)
        file.log, file.path = file.places[0].log, file.places[0].path
        self.loose.pop(file, None)

    def leave(self, place: Place) -> None:
        """A place does not lead to its file any more."""
        file, place.file = place.file, None
        if file is None:
            return
        file.places.remove(place)
        if file.places:
            file.log, file.path = file.places[0].log, file.places[0].path
            return
        file.lost = self.search
        if file.state is FileState.READ and not file.meter.offset and file.passing is None:
            file.state = FileState.NEW  # nothing was read that could show that it is the same
        if file.text is not None and file.state is FileState.READ:
            self.loose[file] = None
            self.unread[file] = None
        elif file.text is not None and file.state is FileState.NEW:
            self.loose[file] = None
            self.unread.pop(file, None)
            self.to_judge(file)
        else:
            self.let_go(file)

    def let_go(self, file: Tracked) -> None:
        """A file that has no name is not open any longer: what was read of it is remembered."""
        self._open.close(file)
        self.loose.pop(file, None)
        self.unread.pop(file, None)
        self.judged.pop(file, None)
        was = file.state
        if was is FileState.NEW or (was is FileState.READ and not file.meter.offset):
            self._drop(file)
        if was is not FileState.NEW:
            self._judge_copies(file)

    def close(self, file: Tracked) -> None:
        """Close a file that has a name, and is opened again when it is read."""
        self._open.close(file)

    def split(self, file: Tracked) -> None:
        """It does not hold what was read of it: that becomes a memory, and it is judged anew."""
        memory = file.remember()
        memory.lost = self.searched - 1  # just now, and nothing has to be searched for it
        if memory.meter.offset and memory.state is not FileState.COPY:
            self._memories[memory] = None
        self.unread.pop(file, None)
        self.to_judge(file)
        for copy in self._copies:
            if copy.original is file:
                copy.original = memory
        self._judge_copies(memory)

    def continue_with(self, file: Tracked, memory: Tracked) -> None:
        """The file holds what was read of another one, and is read on in its place.

        That one is gone, or becomes a copy: what it holds is the start of what this one does.
        """
        file.go_on_from(memory)
        if memory.places:
            same = memory.meter.apart()
            memory.forget()
            memory.state, memory.original, memory.meter = FileState.COPY, file, same
            memory.waits = False
            self.note_copy(memory)
            self.unread.pop(memory, None)
        else:
            self._drop(memory)
        for copy in self._copies:
            if copy.original is memory:
                copy.original = file

    def check_old(self, file: Tracked, status: FileStatus) -> None:
        """A file that is not to be read has changed: it may be another one with its inode."""
        if file.named or (not file.compressed and status.size < file.meter.offset):
            self.split(file)
            return
        try:
            text = self._open.get(file)
            head = Meter()
            head.take(text.read_at(0, file.meter.offset))
        except EventsError:
            if file.meter.offset:
                self.split(file)
            return
        except (MovedError, OSError):
            return  # looked at again
        if head.crc != file.meter.crc:
            self.split(file)
        file.saw(status)

    def note_copy(self, file: Tracked) -> None:
        """It has become a copy: it is judged again when no more is handed out of its original."""
        self._copies[file] = None

    def to_judge(self, file: Tracked) -> None:
        """It is to be judged as soon as may be."""
        self.judged[file] = None

    def forget_gone(self, hidden: int) -> None:
        """Forget what went longest ago, of what is gone and was searched for.

        Args:
            hidden: How many paths cannot be looked at just now.
        """
        gone = (file for file in self if file.gone and file.lost < self.search)
        for file in list(to_forget(gone, hidden)):
            self._drop(file)
        self.logs.let_go({file.log for file in self})

    def texts(self) -> list[tuple[object, FileRecord]]:
        """What is to be saved of all files, so that another run goes on from there.

        A log of which there is nothing else has an empty record, which says that it is known. Then
        come the files that are gone, in the order in which they went, and those that are there.

        Returns:
            Each with what stands for the text that was read of it, see `Meter.text`.
        """
        decided = [file for file in self if _is_decided(file)]
        decided.sort(key=lambda file: file.lost if file.gone else self.search)
        empty = self.logs.empty({file.log for file in decided})
        return [
            *((None, FileRecord(log=log, path=path_text(log))) for log in empty),
            *((file.meter.text, file.record()) for file in decided),
        ]

    def _judge_copies(self, file: Tracked) -> None:
        """No more is handed out of the file: a copy of it that holds more, or all, is not done."""
        for copy in [*self._copies]:
            if copy.state is not FileState.COPY:
                if copy.original is None:
                    del self._copies[copy]
                continue
            if not copy.places:
                continue
            if copy.original is file and (copy.length or 0) >= file.meter.offset:
                copy.state = FileState.NEW
                self.to_judge(copy)
            elif copy.original is None:
                self.to_judge(copy)

    def _detach(self, file: Tracked) -> None:
        """Know it by its content only."""
        if file.identity is not None:
            del self._by_identity[file.identity]
            file.identity = None
            self._memories[file] = None

    def _drop(self, file: Tracked) -> None:
        self._open.close(file)
        for listing in (self.loose, self.unread, self.judged, self._copies):
            listing.pop(file, None)
        if file.identity is not None and self._by_identity.get(file.identity) is file:
            del self._by_identity[file.identity]
        else:
            self._memories.pop(file, None)
        file.state = FileState.NEW  # for who still has it in a list: it is nothing to go on with


def _is_decided(file: Tracked) -> bool:
    """Whether another run may take it as it is: a copy, if all it holds was handed out."""
    if file.state is FileState.COPY and file.original is not None:
        return (file.length or 0) <= file.original.meter.offset
    return file.state is not FileState.NEW
