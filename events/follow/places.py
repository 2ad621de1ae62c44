"""Where files are looked for: the paths asked for, and the rotated files beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - a field's type
from typing import TYPE_CHECKING, NamedTuple

from events.errors import SyncStatsError
from events.follow.names import bases_of, parse_name
from events.follow.record import path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.filesystem import FileSystem
    from events.follow.tracked import Tracked


class Named(NamedTuple):
    """A file to be followed.

    Attributes:
        path: Where it is, or will be.
        with_rotated: It stands for a log: then its rotated files in the same folder belong to it,
            those that come later, too. Else it is read alone.
    """

    path: Path
    with_rotated: bool


@dataclass(slots=True, eq=False)
class Place:
    """A path that is looked at again and again.

    Attributes:
        path: The path.
        log: The key of the log that it belongs to.
        order: Of the places of one log the oldest file's has the least.
        sibling: It was not asked for by its name, but is a rotated file of one that was.
        file: What stands there.
        due_ns: When to look again, by the monotonic clock.
        interval_ns: How long after that.
        told: What was told of it.
        dropped: It is not looked at any more.
        hidden: Whether it could not be looked at, so that nobody knows what stands there.
    """

    path: str
    log: str
    order: tuple[object, ...]
    sibling: bool = False
    file: Tracked | None = None
    due_ns: int = 0
    interval_ns: int = 0
    told: str = ""
    dropped: bool = False
    hidden: bool = False


class Places:
    """The places, as the last search found them.

    Args:
        find: Gives what is to be followed, each time anew.
        fs: Where the files are.
        notice: Told what cannot be searched, once.
        exclude: Which rotated files do not belong to their log after all.
    """

    def __init__(
        self,
        find: Callable[[], Sequence[Named]],
        fs: FileSystem,
        notice: Callable[[str], None],
        exclude: Callable[[str], bool],
    ) -> None:
        self._find = find
        self._fs = fs
        self._notice = notice
        self._exclude = exclude
        self._told = ""
        self._found: list[tuple[str, bool]] | None = None
        self._listings: dict[str, list[str]] = {}
        self._folders: dict[str, dict[str, str]] = {}  # folder: name asked for → key of its log
        self.all: dict[str, Place] = {}

    def search(self) -> tuple[list[Place], list[Place]] | None:
        """Search again: what is new, and what is not to be looked at any more.

        None where it cannot be searched: all stays as it was.
        """
        try:
            found = [(os.fspath(path), with_rotated) for path, with_rotated in self._find()]
            listings = self._list(found)
        except (OSError, SyncStatsError) as error:
            if str(error) != self._told:
                self._told = str(error)
                self._notice(f"files cannot be searched for, and will be later: {error}")
            return None
        self._told = ""
        if found == self._found and listings == self._listings:
            return [], []
        self._found, self._listings = found, listings
        wanted = self._wanted(found)
        new = [place for path, place in wanted.items() if path not in self.all]
        dropped = [place for path, place in self.all.items() if path not in wanted]
        for place in dropped:
            place.dropped = True
            del self.all[place.path]
        for place in new:
            self.all[place.path] = place
        return new, dropped

    def logs(self) -> set[str]:
        """The keys of the logs that files stand for."""
        return {key for bases in self._folders.values() for key in bases.values()}

    def hidden(self) -> int:
        """How many places could not be looked at, though something may stand there."""
        return sum(place.hidden for place in self.all.values())

    def _list(self, found: list[tuple[str, bool]]) -> dict[str, list[str]]:
        if found != self._found:
            self._folders = {}
            for path, with_rotated in found:
                if with_rotated:
                    folder, name = os.path.split(path)
                    self._folders.setdefault(folder, {})[name] = log_key(path)
        listings = {}
        for folder in self._folders:
            try:
                listings[folder] = self._fs.list_folder(folder or ".")
            except FileNotFoundError:  # made later
                listings[folder] = []
        return listings

    def _wanted(self, found: list[tuple[str, bool]]) -> dict[str, Place]:
        wanted: dict[str, Place] = {}
        for path, _ in found:
            if path not in wanted:
                order = parse_name(os.path.basename(path)).order  # noqa: PTH119 - a str, of thousands: Path costs more
                wanted[path] = Place(path, log_key(path), order)
        for folder, names in self._listings.items():
            bases = self._folders[folder]
            for name in names:
                log = next((bases[base] for base in bases_of(name) if base in bases), None)
                path = os.path.join(folder, name)  # noqa: PTH118 - Path would drop a leading "./"
                if log is not None and path not in wanted and not self._exclude(path):
                    wanted[path] = Place(path, log, parse_name(name).order, sibling=True)
        return wanted


def log_key(path: str) -> str:
    """The key of the log that a file of this name belongs to: the path of its current file."""
    whole = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    folder, name = os.path.split(whole)
    return path_text(os.path.join(folder, parse_name(name).base))  # noqa: PTH118 - they are str
