"""Reads what may have more lines: the logs in turn, of each the oldest file first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from events.errors import EventsError
from events.follow.looking import FRESH_NS
from events.follow.open_files import MovedError
from events.follow.reading import ChangedError, check, next_lines
from events.follow.tracked import FileState
from events.limits import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from events.clock import Clock
    from events.follow.looking import Looker
    from events.follow.open_files import OpenFiles
    from events.follow.others import Others
    from events.follow.record import FileRecord
    from events.follow.roster import Roster
    from events.follow.tracked import Tracked
    from events.log.reader import Block, Overlong

TURN_BYTES = 4 << 20
_WHOLE = 1 << 62  # the end of an archive's text


@dataclass(frozen=True, slots=True)
class Read:
    """Lines of a followed file.

    Attributes:
        log: The key of its log: the path of its current file.
        path: Where it stands, or stood last.
        block: The lines; their place is in bytes of the uncompressed text.
        text: Stands for the text that they are of, whatever becomes of its file: a file that goes
            on with another one's text goes on with this, one that is rewritten has another.
        before: What was to be saved of the file before them.
    """

    log: str
    path: Path
    block: Block | Overlong
    text: object
    before: FileRecord


class Turns:
    """Hands out what the roster says is unread.

    Args:
        roster: The files.
        files: Opens them.
        looker: Told what turned out to be different from before.
        others: Says whether a file is being written to.
        clock: For how long a file has not changed.
        notice: Told of unfinished lines that nobody will finish.
    """

    def __init__(
        self,
        roster: Roster,
        files: OpenFiles,
        looker: Looker,
        others: Others,
        *,
        clock: Clock,
        notice: Callable[[str], None],
    ) -> None:
        self._roster = roster
        self._open = files
        self._looker = looker
        self._others = others
        self._clock = clock
        self._notice = notice

    def logs(self) -> Iterable[list[Tracked]]:
        """The logs that may have more lines: of each the files, for `take`."""
        logs: dict[str, list[Tracked]] = {}
        for file in self._roster.unread:
            logs.setdefault(file.log, []).append(file)
        return logs.values()

    def take(self, files: list[Tracked]) -> Iterator[Read]:
        """Give what a log has, from its oldest file on, up to 4 MiB of one file."""
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
            settled = text.compressed or self._others.settled(file, status)
            last = file.meter.offset + TURN_BYTES - MAX_LINE_BYTES
            while file.meter.offset <= last:
                now = self._clock.monotonic_ns()
                before = file.record()
                block = next_lines(file, limit, now, settled=settled)
                if block is None:
                    break
                self._open.was_read(file)
                yield Read(file.log, Path(file.path), block, file.meter.text, before)
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
                self.finish(file)
                self._open.close(file)
        self._roster.unread.pop(file, None)

    def finish(self, file: Tracked) -> None:
        """A file is let go: tell of an unfinished last line."""
        if file.rest:
            self._notice(
                f"{file.path} ends in an unfinished line of {file.rest} bytes, which is not counted"
            )
            file.rest = 0
