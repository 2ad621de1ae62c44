"""Searches for files, and tells the roster what came and what went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.follow.looking import SECOND_NS

if TYPE_CHECKING:
    from events.clock import Clock
    from events.follow.looking import Looker
    from events.follow.old_files import OldFiles
    from events.follow.places import Places
    from events.follow.roster import Roster

SEARCH_NS = 2 * SECOND_NS


class Searcher:
    """Searches every two seconds, and at once where a file is missing.

    Args:
        roster: The files.
        places: Where they are searched for.
        looker: Looks at what is found.
        old: Notes what is not to be read of it.
        clock: For when to search again.

    Attributes:
        next_ns: When to search again, by the monotonic clock.
    """

    def __init__(
        self, roster: Roster, places: Places, looker: Looker, old: OldFiles, clock: Clock
    ) -> None:
        self._roster = roster
        self._places = places
        self._looker = looker
        self._old = old
        self._clock = clock
        self.next_ns = 0

    def search(self, *, everywhere: bool) -> None:
        """Search for files, and look at those that are new, or at all.

        Where it cannot be searched, nothing is new, and nothing old.
        """
        self._looker.search = False
        self._roster.search += 1
        begun = self._old.begin()
        found = self._places.search()
        new, dropped = found or ([], [])
        for place in dropped:
            self._roster.leave(place)
        if new or dropped:
            self._looker.places_are(self._places.all)
        there = self._places.logs()
        first = self._roster.logs.new(there)
        if everywhere:
            self._looker.look_at([*self._places.all.values()])
        else:
            self._looker.look_at(new)
        self._roster.searched = self._roster.search
        if found is not None:
            self._old.note(begun, first)
            self._roster.logs.are_there(there)
            if self._places.all:  # else a folder may not be mounted
                self._roster.forget_gone(self._places.hidden())
        self.next_ns = self._clock.monotonic_ns() + SEARCH_NS
