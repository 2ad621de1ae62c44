"""What a judge asks of the other files, which may have changed since they were looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.errors import EventsError
from events.follow.looking import SECOND_NS
from events.follow.open_files import MovedError
from events.follow.reading import ChangedError, check
from events.follow.tracked import FileState

if TYPE_CHECKING:
    from events.clock import Clock
    from events.filesystem import FileStatus
    from events.follow.looking import Looker
    from events.follow.open_files import OpenFiles
    from events.follow.roster import Roster
    from events.follow.texts import OpenText
    from events.follow.tracked import Tracked

SETTLE_NS = 2 * SECOND_NS


class AgainError(Exception):
    """What was known of the other files turned out to be out of date: judge anew."""


class Others:
    """The files as they are now.

    Args:
        roster: What is known of them.
        files: Opens them.
        looker: Looks at them again.
        clock: The monotonic clock for how long a file has not changed, the other for its age.
    """

    def __init__(self, roster: Roster, files: OpenFiles, looker: Looker, clock: Clock) -> None:
        self._roster = roster
        self._open = files
        self._looker = looker
        self._clock = clock

    def opened(self, file: Tracked) -> OpenText | None:
        """Open a file, if it can be."""
        try:
            return self._open.get(file)
        except (MovedError, EventsError, OSError):
            return None

    def refresh(self, file: Tracked) -> None:
        """Look whether a file is where it was, and holds what was read of it.

        Raises:
            AgainError: It is not, or does not.
        """
        before = bool(file.places), file.state, file.meter
        now = self._clock.monotonic_ns()
        for place in [*file.places]:
            self._looker.look(place, now)
        after = bool(file.places), file.state, file.meter
        if self._looker.search or after[:2] != before[:2] or after[2] is not before[2]:
            raise AgainError
        if file.state is not FileState.READ:
            return
        try:
            self._open.get(file)
            check(file)
        except ChangedError:
            self._roster.split(file)
            self._looker.search = True
            raise AgainError from None
        except MovedError:
            self._looker.search = True
            raise AgainError from None
        except (EventsError, OSError):
            return

    def confirm(self, file: Tracked) -> None:
        """See that a file that is gone was searched for since.

        Raises:
            AgainError: It was not.
        """
        if file.lost >= self._roster.searched:
            self._looker.search = True
            raise AgainError

    def settled(self, file: Tracked, status: FileStatus) -> bool:
        """Whether nobody seems to be writing to it.

        By the age that its own time gives, or, since another machine's clock may be ahead, by how
        long it was seen not to change.
        """
        if self._clock.now_us() * 1000 - status.mtime_ns >= SETTLE_NS:
            return True
        unchanged = not file.differs(status)
        return unchanged and self._clock.monotonic_ns() - file.changed_ns >= SETTLE_NS
