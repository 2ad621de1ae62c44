"""Has files judged, and does what the verdict says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.errors import EventsError
from events.follow.copies import goes_on_apart, is_behind, note_same
from events.follow.fingerprint import Meter
from events.follow.index import Index
from events.follow.matching import judge
from events.follow.open_files import MovedError
from events.follow.others import AgainError
from events.follow.tracked import FileState
from events.follow.verdicts import Continues, Copy, Own, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.filesystem import FileStatus
    from events.follow.looking import Looker
    from events.follow.open_files import OpenFiles
    from events.follow.others import Others
    from events.follow.roster import Roster
    from events.follow.tracked import Tracked
    from events.follow.verdicts import Verdict


class Ruling:
    """Judges what is new.

    Args:
        roster: The files.
        files: Opens them.
        looker: Told of files that cannot be read, or have gone.
        others: What a judge asks of them.
        notice: Told of copies and damaged archives, once.
        follow: Whether more is to come.
    """

    def __init__(
        self,
        roster: Roster,
        files: OpenFiles,
        looker: Looker,
        others: Others,
        notice: Callable[[str], None],
        *,
        follow: bool,
    ) -> None:
        self._roster = roster
        self._open = files
        self._looker = looker
        self._others = others
        self._notice = notice
        self._follow = follow

    def judge_all(self) -> None:
        """Judge all that is to be judged.

        Raises:
            AgainError: What was known turned out to be out of date; call again.
        """
        files = [
            file
            for file in self._roster.judged
            if file.state in {FileState.NEW, FileState.COPY}  # not decided meanwhile
            and (file.places or file.text is not None)
        ]
        self._roster.judged.clear()
        if not files:
            return
        # The longest first: of two that hold the same, the shorter one is the copy.
        files.sort(key=lambda file: (file.compressed, -self._size(file)))
        index = Index(one for one in self._roster if one.state in {FileState.READ, FileState.OLD})
        for number, file in enumerate(files):
            self._open.pinned = file
            try:
                self._judge(file, index)
            except AgainError:
                for one in files[number:]:
                    self._roster.to_judge(one)
                raise
            finally:
                self._open.pinned = None

    def _judge(self, file: Tracked, index: Index) -> None:
        file.waits = False
        try:
            text = self._open.get(file)
            status = text.status()
            copied = file.state is FileState.COPY and not file.differs(status)
            new_archive = text.compressed and file.state is FileState.NEW
            if new_archive and not self._may_be_whole(file, status):
                return
            if not status.size:
                file.saw(status)
                if file.state is FileState.COPY:
                    file.state = FileState.NEW
                return
            verdict = judge(file, status, index, self._others)
            self._carry_out(file, status, verdict, copied=copied)
        except MovedError:
            self._looker.search = True
            return
        except (EventsError, OSError) as error:
            self._looker.trouble(file, error)
            return
        if file.state in {FileState.READ, FileState.OLD}:
            index.add(file)
        elif file.state is FileState.COPY and not file.places:
            self._roster.let_go(file)

    def _may_be_whole(self, file: Tracked, status: FileStatus) -> bool:
        """Whether to decompress an archive: not while it grows, nor again if that had failed."""
        if self._others.settled(file, status):
            if file.broken and not file.differs(status):
                self._wait(file, status, Wait(file.broken))
                return False
            return True
        if not file.differs(status) and not file.broken:
            return True
        if file.differs(status):
            file.broken = ""
            file.survey = None
            if file.text is not None:
                file.text.again()
        file.saw(status)
        file.waits = True
        return False

    def _carry_out(
        self, file: Tracked, status: FileStatus, verdict: Verdict, *, copied: bool
    ) -> None:
        if isinstance(verdict, Continues):
            self._roster.continue_with(file, verdict.memory)
            file.saw(status)
        elif isinstance(verdict, Copy):
            self._copy(file, status, verdict.original)
            return
        elif copied:
            return  # what it is a copy of is known no more, but it has not changed
        elif isinstance(verdict, Own):
            if not goes_on_apart(file):
                file.meter = Meter()
            elif is_behind(file.original, file):
                file.waits = True  # what both have is handed out first
                return
            file.state = FileState.READ
            file.saw(status)
        else:
            self._wait(file, status, verdict)
            return
        file.survey = None
        file.original = None
        if file.state is FileState.READ:
            self._roster.unread[file] = None

    def _copy(self, file: Tracked, status: FileStatus, original: Tracked) -> None:
        note_same(file)
        file.state = FileState.COPY
        file.original = original
        self._roster.note_copy(file)
        file.saw(status)
        file.waits = False
        if original.state is FileState.OLD or not original.places:
            return  # compressed, most of the time, and read to its end before
        if self._follow and not self._others.settled(file, status):
            file.waits = True  # an archive whose original is about to be removed is none
        elif file.told != "copy":
            file.told = "copy"
            self._notice(f"{file.path} holds the same as {original.path} and is not counted again")

    def _wait(self, file: Tracked, status: FileStatus, verdict: Wait) -> None:
        settled = self._others.settled(file, status)
        file.state = FileState.NEW
        file.saw(status)
        file.waits = not (settled and verdict.broken)
        file.broken = verdict.broken
        if settled and verdict.broken and file.told != "broken":
            file.told = "broken"
            self._notice(f"{verdict.broken}; {'waiting' if self._follow else 'it is left out'}")

    def _size(self, file: Tracked) -> int:
        try:
            return self._open.get(file).status().size
        except (MovedError, EventsError, OSError):
            return 0
