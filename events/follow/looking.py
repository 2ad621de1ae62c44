"""Looks at places when they are due, and tells the roster what has changed there."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from events.follow.in_turn import InTurn
from events.follow.tracked import FileState, Tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from events.clock import Clock
    from events.filesystem import FileStatus, FileSystem
    from events.follow.places import Place
    from events.follow.roster import Roster

SECOND_NS = 1_000_000_000
SHORTEST_NS = SECOND_NS // 10
LONGEST_NS = SECOND_NS
FRESH_NS = 2 * SECOND_NS
"""How long after a change a file is read again though its size and time stay: some file systems
keep times in whole seconds, and what is written twice within one tick of the clock has one time."""


class Looker:
    """Asks for the status of each place, often where something happens, else once a second.

    Looks are put together: all that are due within the same tenth of a second, or the same second
    where nothing happens, are due at once, so that a follower of many files wakes up seldom.

    Args:
        fs: Where the files are.
        clock: For intervals.
        roster: The files.
        notice: Told what cannot be looked at, once.

    Attributes:
        search: Whether files are to be searched for now: one is missing, or another has its place.
    """

    def __init__(
        self, fs: FileSystem, clock: Clock, roster: Roster, notice: Callable[[str], None]
    ) -> None:
        self._fs = fs
        self._clock = clock
        self._roster = roster
        self._notice = notice
        self._due: dict[int, list[Place]] = {}  # all that is due at one time
        self._times: list[int] = []  # those times, as a heap
        self._places: Mapping[str, Place] = {}
        self._turns: InTurn[Place] = InTurn()
        self.search = False

    def next_ns(self) -> int | None:
        """When the next place is due; None if there is none."""
        return self._times[0] if self._times else None

    def look_at_due(self) -> None:
        """Look at all places that are due."""
        now = self._clock.monotonic_ns()
        while self._times and self._times[0] <= now:
            time = heapq.heappop(self._times)
            for place in self._due.pop(time):
                if place.due_ns == time and not place.dropped:
                    self.look(place, now)
                    self._schedule(place, now)

    def places_are(self, places: Mapping[str, Place]) -> None:
        """These are all that there are now, by their paths."""
        self._places = places
        self._turns.set(places.values())

    def hint(self, paths: Iterable[str]) -> None:
        """These may have changed: it is their turn."""
        for path in paths:
            if (place := self._places.get(path)) is not None:
                self._turns.woke(place)

    def look_in_turn(self, at_once: int) -> None:
        """Look at the places of files that changed lately, and at a few of the others.

        Args:
            at_once: At how many, at most.
        """
        self.look_at(self._turns.next(at_once))

    def look_at(self, places: Iterable[Place]) -> None:
        """Look at some places now."""
        now = self._clock.monotonic_ns()
        for place in places:
            self.look(place, now)
            self._schedule(place, now)

    def look(self, place: Place, now: int) -> None:
        """Look at one place."""
        status = self._status(place)
        if status is None:
            self._lengthen(place)
            return
        file = place.file
        identity = status[:2]
        if file is None or file.identity != identity:
            self._leave(place)
            file = self._roster.at(identity, place)
            self._roster.arrive(file, place)
            file.changed_ns = now
            if file.state is FileState.READ and not file.done:
                self._roster.unread[file] = None
            elif file.state is FileState.COPY and file.original is None:
                self._roster.to_judge(file)
        if file.differs(status):
            place.interval_ns = SHORTEST_NS
            if file.size >= 0:  # else it is seen for the first time
                self._turns.woke(place)
            file.changed_ns = now
            self._changed(file, status)
            return
        self._lengthen(place)
        if file.fresh and file.state is FileState.READ:
            self._roster.unread[file] = None
        if file.waits:
            self._roster.to_judge(file)

    def _status(self, place: Place) -> FileStatus | None:
        """What stands there; None if nothing does that can be read."""
        place.hidden = False
        try:
            status = self._fs.status(place.path)
        except (FileNotFoundError, NotADirectoryError):
            self._leave(place)
            return None
        except OSError as error:  # it may be there still
            place.hidden = True
            self.tell(place, f"{place.path} cannot be looked at: {error.strerror}; trying again")
            return None
        if not status.regular:
            self._leave(place)
            self.tell(place, f"{place.path} is no regular file and is passed over")
            return None
        return status

    def _leave(self, place: Place) -> None:
        if place.file is not None:
            self._roster.leave(place)
            self.search = True

    def look_at_loose(self, quiet_ns: int) -> list[Tracked]:
        """Look at files that have no name any more; give those that were quiet for so long."""
        now = self._clock.monotonic_ns()
        quiet = []
        for file in [*self._roster.loose]:
            try:
                status = None if file.text is None else file.text.status()
            except OSError as error:
                self.trouble(file, error)
                continue
            if status is not None and file.differs(status):
                file.changed_ns = now
                self._changed(file, status)
            elif file.waits:
                self._roster.to_judge(file)
            elif now - file.changed_ns >= quiet_ns:
                quiet.append(file)
        return quiet

    def trouble(self, file: Tracked, error: Exception) -> None:
        """A file cannot be read; if it has a name, it is opened and tried again, else let go."""
        self._roster.unread.pop(file, None)
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        text = f"{file.path} cannot be read: {reason}"
        if file.places:
            self.tell(file.places[0], f"{text}; trying again")
            self._roster.close(file)  # what is open may be another one than the name leads to now
        else:
            self._notice(f"{text}; it has no name, and may have had more lines")
            self._roster.let_go(file)
        file.size, file.hole = -1, None

    def tell(self, place: Place, text: str) -> None:
        """Tell something of a place once."""
        if place.told != text:
            place.told = text
            self._notice(text)

    def _changed(self, file: Tracked, status: FileStatus) -> None:
        if file.state is FileState.READ:
            if file.compressed and (file.done or file.size >= 0):
                self._roster.split(file)
            elif not file.meter.offset and file.passing is None and file.size >= 0:
                file.state = FileState.NEW  # nothing was read that could show that it is the same
                self._roster.unread.pop(file, None)
                self._roster.to_judge(file)
            else:
                self._roster.unread[file] = None
        elif file.state is FileState.OLD:
            self._roster.check_old(file, status)
        else:
            self._roster.to_judge(file)

    def _lengthen(self, place: Place) -> None:
        # Not min and max: this is done for thousands of files a second.
        interval = place.interval_ns * 2
        place.interval_ns = LONGEST_NS if interval > LONGEST_NS else interval or SHORTEST_NS

    def _schedule(self, place: Place, now: int) -> None:
        interval = place.interval_ns
        time = place.due_ns = (now // interval + 1) * interval
        due = self._due.get(time)
        if due is None:
            due = self._due[time] = []
            heapq.heappush(self._times, time)
        due.append(place)
