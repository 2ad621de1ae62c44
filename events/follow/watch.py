"""Follows logs through rotations and restarts: each complete line is handed out once.

Only by looking again and again, so that it works on network file systems too. One look goes so:

1. The places that are due are looked at (one ``stat`` each). Where a file is missing, or another
   one has its place, all files are searched for at once; else every two seconds.
2. What is new or was cut is judged by its content, see `events.follow.matching`.
3. What may have more lines is read, the logs in turn, of each the oldest file first. A file that
   turns out to hold something else than before is judged before anything is read on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.follow.looking import SECOND_NS, SHORTEST_NS, Looker
from events.follow.old_files import OldFiles
from events.follow.open_files import OpenFiles
from events.follow.others import AgainError, Others
from events.follow.places import Named, Places
from events.follow.record import FileRecord
from events.follow.roster import Roster
from events.follow.ruling import Ruling
from events.follow.searching import Searcher
from events.follow.tracked import FileState
from events.follow.turns import Read, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.follow.tracked import Tracked

__all__ = ["FileRecord", "Named", "Read", "Watch"]

QUIET_NS = 60 * SECOND_NS
_LATE_NS = 5 * SECOND_NS  # after the first look, files are found that were undecided until then
_MOST_PASSES = 20


class Watch:
    """Follows files; see the module. It never sleeps: who has it waits `wait_s` between two looks.

    Args:
        find: Gives the files to be followed, each time anew.
        fs: Where they are.
        clock: Intervals go by its monotonic clock, the age of a file by the other one.
        records: What `records` gave, and was saved with what was made of the lines.
        follow: Whether more is to come; else it is looked until `settle` says that all is decided.
        notice: Told what the user should know: copies, damaged archives, files that cannot be read.
        max_open: How many files stay open at most.
        exclude: Which files, by their paths, are no rotated files of the log that they are named
            after.
        searched_us: What the property of this name gave with the records; None: it was never
            searched, or nobody knows when.
    """

    def __init__(
        self,
        find: Callable[[], Sequence[Named]],
        *,
        fs: FileSystem,
        clock: Clock,
        records: Iterable[FileRecord] = (),
        follow: bool,
        notice: Callable[[str], None],
        max_open: int = 256,
        exclude: Callable[[str], bool] = lambda _: False,
        searched_us: int | None = None,
    ) -> None:
        self._clock = clock
        self._open = OpenFiles(fs, max_open, self._let_go, notice)
        self._roster = Roster(records, self._open)
        self._looker = Looker(fs, clock, self._roster, notice)
        self._old = OldFiles(self._roster, self._open, fs, clock, searched_us)
        self._places = Places(find, fs, notice, exclude)
        self._searcher = Searcher(self._roster, self._places, self._looker, self._old, clock)
        others = Others(self._roster, self._open, self._looker, clock)
        self._ruling = Ruling(self._roster, self._open, self._looker, others, notice, follow=follow)
        self._turns = Turns(
            self._roster, self._open, self._looker, others, clock=clock, notice=notice
        )
        self._left = False  # a look was not gone through to its end
        self._asked_ns: int | None = None  # when it was first asked whether all is decided

    @property
    def places(self) -> int:
        """How many places are looked at."""
        return len(self._places.all)

    def hint(self, paths: Iterable[str]) -> None:
        """These may have changed: with ``in_turn`` the next look is at them, too."""
        self._looker.hint(paths)

    def look(self, in_turn: int | None = None) -> Iterator[Read]:
        """Give all that is there now and was not given before.

        A file is read on by at most 4 MiB before the other logs have their turn. Each file's record
        is advanced before its lines are given.

        Args:
            in_turn: Look, whenever they are due, at all files that changed lately, and at so many
                of those that rest: at other ones each time. None: look at what is due only, ten
                times a second where something happens, once a second else.
        """
        self._left = True
        if in_turn is not None:
            self._looker.look_in_turn(in_turn)
        self._gather()
        idle = 0
        while idle < _MOST_PASSES:  # else something changes whenever it is looked at: next time
            idle += 1
            for files in self._turns.logs():
                for read in self._turns.take(files):
                    idle = 0
                    yield read
            if self._looker.search or self._roster.judged:
                self._gather()
            elif idle:
                break
        self._left = False

    def records(self) -> list[FileRecord]:
        """What is to be saved with what was made of the lines given so far."""
        return [record for _, record in self._roster.texts()]

    def texts(self) -> list[tuple[object, FileRecord]]:
        """The records, each with the `Read.text` of the lines that were given of it, if any."""
        return self._roster.texts()

    @property
    def searched_us(self) -> int | None:
        """When the last search began that found the rotated files; to be saved with the records.

        By the wall clock, in microseconds since 1970; None before the first one. Of logs that come
        later, what was last written before that is not read, see `events.follow.old_files`.
        """
        return self._old.searched_us

    def sync(self) -> None:
        """Return when all that was given is on the disk, as far as their file systems can do that.

        What cannot be brought there is told.
        """
        self._open.sync()

    def wait_s(self) -> float:
        """Seconds until something is to be looked at again."""
        if self._left:
            return 0.0
        now = self._clock.monotonic_ns()
        due = [self._searcher.next_ns]
        following = self._looker.next_ns()
        if following is not None:
            due.append(following)
        if self._roster.loose:
            due.append(now + SHORTEST_NS)
        return max(0, min(due) - now) / SECOND_NS

    def settle(self) -> bool:
        """Whether it cannot be said yet of a file what it is: look again after `wait_s`.

        Zero bytes that may turn into text are waited for, too; not those that come meanwhile, or a
        writer of such could keep one waiting for ever.
        """
        now = self._clock.monotonic_ns()
        self._asked_ns = now if self._asked_ns is None else self._asked_ns
        last = self._asked_ns + _LATE_NS
        return any(
            file.waits or (file.hole is not None and not file.gone and file.hole[1] <= last)
            for file in self._roster
        )

    def left_out(self) -> list[str]:
        """Paths of files that could not be read, as was told: damaged archives, no permission."""
        return sorted(
            file.path
            for file in self._roster
            if file.places and file.state in {FileState.NEW, FileState.READ}
            if file.broken or file.size < 0
        )

    def close(self) -> None:
        """Let go of all files. Again: no effect."""
        self._open.close_all()

    def _gather(self) -> None:
        """Find out what there is, and what may have more."""
        self._looker.look_at_due()
        for file in self._looker.look_at_loose(QUIET_NS):
            if file not in self._roster.unread:
                self._let_go(file)
        if self._clock.monotonic_ns() >= self._searcher.next_ns:
            self._searcher.search(everywhere=False)
        for _ in range(_MOST_PASSES):
            if self._looker.search:
                self._searcher.search(everywhere=True)
            try:
                self._ruling.judge_all()
            except AgainError:
                continue
            if not self._looker.search:
                break

    def _let_go(self, file: Tracked) -> None:
        """Nothing more is awaited of a file that has no name."""
        self._turns.finish(file)
        self._roster.let_go(file)
