"""Follows logs through rotations and restarts: each complete line is handed out once.

Only by looking again and again, so that it works on network file systems too. One look goes so:

1. The places that are due are looked at (one ``stat`` each). Where a file is missing, or another
   one has its place, all files are searched for at once; else every two seconds.
2. What is new or was cut is judged by its content, see `events.follow.matching`.
3. What may have more lines is read, the logs in turn, of each the oldest file first. A file that
   turns out to hold something else than before is judged before anything is read on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.follow.looking import FRESH_NS, SECOND_NS, Looker
from events.follow.matching import AgainError
from events.follow.old_files import OldFiles
from events.follow.open_files import MovedError, OpenFiles
from events.follow.places import Named, Places
from events.follow.reading import ChangedError, check, next_lines
from events.follow.record import FileRecord
from events.follow.roster import Roster
from events.follow.ruling import Ruling
from events.follow.tracked import FileState, Tracked
from events.model import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from events.clock import Clock
    from events.filesystem import FileSystem
    from events.log.reader import Block, Overlong

__all__ = ["FileRecord", "Named", "Read", "Watch"]

TURN_BYTES = 4 << 20
SEARCH_NS = 2 * SECOND_NS
QUIET_NS = 60 * SECOND_NS
_LATE_NS = 5 * SECOND_NS  # after the first look, files are found that were undecided until then
_WHOLE = 1 << 62  # the end of an archive's text
_MOST_PASSES = 20


@dataclass(frozen=True, slots=True)
class Read:
    """Lines of a followed file.

    Attributes:
        log: The key of its log: the path of its current file.
        path: Where it stands, or stood last.
        block: The lines; their place is in bytes of the uncompressed text.
        first: Whether the file begins with them.
    """

    log: str
    path: Path
    block: Block | Overlong
    first: bool


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
        self._follow = follow
        self._notice = notice
        self._open = OpenFiles(fs, max_open, self._let_go, notice)
        self._roster = Roster(records, self._open)
        self._places = Places(find, fs, notice, exclude)
        self._looker = Looker(fs, clock, self._roster, notice)
        self._ruling = Ruling(self._roster, self._open, self._looker, clock, notice, follow=follow)
        self._old = OldFiles(self._roster, self._open, fs, clock, searched_us)
        self._next_search = 0
        self._left = False  # a look was not gone through to its end
        self._asked_ns: int | None = None  # when it was first asked whether all is decided

    def look(self, *, everywhere: bool = False) -> Iterator[Read]:
        """Give all that is there now and was not given before.

        A file is read on by at most 4 MiB before the other logs have their turn. Each file's record
        is advanced before its lines are given.

        Args:
            everywhere: Look at all files, also at those that rest, which else are looked at but
                once a second.
        """
        self._left = True
        if everywhere:
            self._looker.look_at(list(self._places.all.values()))
        self._gather()
        idle = 0
        while idle < _MOST_PASSES:  # else something changes whenever it is looked at: next time
            idle += 1
            for log in {file.log: None for file in self._roster.unread}:
                for read in self._turn(log):
                    idle = 0
                    yield read
            if self._looker.search or self._roster.judged:
                self._gather()
            elif idle:
                break
        self._left = False

    def records(self) -> list[FileRecord]:
        """What is to be saved with what was made of the lines given so far."""
        return self._roster.records()

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
        due = [self._next_search]
        following = self._looker.next_ns()
        if following is not None:
            due.append(following)
        if self._roster.loose:
            due.append(now + SECOND_NS // 10)
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
        if self._clock.monotonic_ns() >= self._next_search:
            self._search(everywhere=False)
        for _ in range(_MOST_PASSES):
            if self._looker.search:
                self._search(everywhere=True)
            try:
                self._ruling.judge_all()
            except AgainError:
                continue
            if not self._looker.search:
                break

    def _search(self, *, everywhere: bool) -> None:
        """Search for files, and look at those that are new, or at all."""
        self._looker.search = False
        self._roster.search += 1
        begun = self._old.begin()
        found = self._places.search()
        new, dropped = found or ([], [])
        for place in dropped:
            self._roster.leave(place)
        there = self._places.logs()
        first = self._roster.logs.new(there)
        self._looker.look_at(list(self._places.all.values()) if everywhere else new)
        self._roster.searched = self._roster.search
        if found is not None:
            self._old.note(begun, first)
            self._roster.logs.are_there(there)
            if self._places.all:  # else a folder may not be mounted
                self._roster.forget_gone(self._places.hidden())
        self._next_search = self._clock.monotonic_ns() + SEARCH_NS

    def _turn(self, log: str) -> Iterator[Read]:
        """Give what a log has, from its oldest file on, up to 4 MiB of one file."""
        files = [file for file in self._roster.unread if file.log == log]
        files.sort(
            key=lambda file: (bool(file.places), file.places[0].order if file.places else ())
        )
        for file in files:
            if file.state is not FileState.READ:
                self._roster.unread.pop(file, None)
            if file not in self._roster.unread:
                continue
            yield from self._read(file)
            if file in self._roster.unread or self._looker.search:
                break

    def _read(self, file: Tracked) -> Iterator[Read]:
        try:
            text = self._open.get(file)
            status = text.status()
            check(file)
            limit = _WHOLE if text.compressed else status.size
            settled = text.compressed or self._ruling.settled(file, status)
            last = file.meter.offset + TURN_BYTES - MAX_LINE_BYTES
            while file.meter.offset <= last:
                begin = file.meter.offset
                now = self._clock.monotonic_ns()
                block = next_lines(file, limit, now, settled=settled)
                if block is None:
                    break
                self._open.was_read(file)
                yield Read(file.log, Path(file.path), block, begin == 0)
            else:
                return  # its turn is over, and there is more
        except ChangedError:
            self._roster.split(file)
            self._looker.search = True
            return
        except MovedError:
            self._looker.search = True
        except (EventsError, OSError) as error:
            self._looker.trouble(file, error)
            return
        else:
            file.saw(status)
            file.fresh = now - file.changed_ns < FRESH_NS or file.hole is not None
            if text.compressed:
                file.done = True
                file.fresh = False
                self._finish(file)
                self._open.close(file)
        self._roster.unread.pop(file, None)

    def _let_go(self, file: Tracked) -> None:
        """Nothing more is awaited of a file that has no name."""
        self._finish(file)
        self._roster.let_go(file)

    def _finish(self, file: Tracked) -> None:
        """A file is let go: tell of an unfinished last line."""
        if file.rest:
            self._notice(
                f"{file.path} ends in an unfinished line of {file.rest} bytes, which is not counted"
            )
            file.rest = 0
