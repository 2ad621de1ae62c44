"""Which files an ingestion reads: asked again and again, since they come and go."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from events.follow.places import Named
from events.log.segment import list_segments
from events.log.stream import SUMMARY_NAME
from projections.errors import SourceError
from projections.logs import refuse_streams
from projections.problems import nothing
from projections.sources import STDIN, SUFFIXES, find_sources, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from events.filesystem import FileSystem
    from projections.choosing import Choice
    from projections.sources import Source

_TAKEN_OVER = 4
"""How often in a row a folder or a glob that lists the same names is taken for what it was."""


class _Listing(NamedTuple):
    """The names that a folder or a glob listed, each of which was a file of its own.

    Attributes:
        names: They.
        left: How often more they may be taken for that without a look at each.
    """

    names: list[str]
    left: int = _TAKEN_OVER


class Finder:
    """Finds what paths name, also where that is not there yet.

    A file's own name stands for its log, whether the file is there or not. A folder gives the files
    of lines in it, an event log those in its streams' folders; a glob the files that match. It is
    cheap to ask where thousands of files rest: as long as the same names are listed, each of them
    is only looked at every fifth time.

    Args:
        paths: What was asked for.
        fs: Where that is.
        choice: In which format the files are; an event log's are in ours.
        exclude: Globs of names or whole paths that are not to be read.
        oldest_us: Files that were last written before that (microseconds since 1970) are not read,
            unless they are ``known``; None: they all are.
        known: Devices and inodes of files that were read before.
        follow: Whether what is not there is waited for.
        notice: Told once of each stream of which lines are gone, and of what cannot be looked at.

    Raises:
        SourceError: A path is not there and not waited for, cannot be looked at, or is nothing that
            can be read so.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        fs: FileSystem,
        choice: Choice,
        exclude: Sequence[str] = (),
        oldest_us: int | None = None,
        known: Iterable[tuple[int, int]] = (),
        follow: bool,
        notice: Callable[[str], None] = nothing,
    ) -> None:
        self._paths = tuple(dict.fromkeys(path for path in paths if path != STDIN))
        self._fs = fs
        self._choice = choice
        self._exclude = tuple(exclude)
        self._oldest_us = oldest_us
        self._known = set(known)
        self._follow = follow
        self._notice = notice
        self._told: set[Path | str] = set()
        self._last: dict[str, list[Named]] = {}
        self._listings: dict[str, _Listing] = {}
        for text in self._paths:
            self._last[text] = self._find(text)

    def __call__(self) -> list[Named]:
        """Give the files that there are now; what cannot be looked at just now stays as it was."""
        found: list[Named] = []
        for text in self._paths:
            with suppress(SourceError):  # a file is gone for a moment: it is being rotated
                self._last[text] = self._find_again(text)
            found += self._last[text]
        return [named for named in found if not self._is_too_old(named.path)]

    def _find_again(self, text: str) -> list[Named]:
        with suppress(OSError):  # it is told, or waited for, by the longer way
            if self._fs.status(text).regular:
                return [Named(Path(text), with_rotated=True)]
        is_folder, names = self._list(text)
        listing = self._listings.pop(text, None)
        if listing is not None and listing.left and listing.names == names:
            self._listings[text] = _Listing(names, listing.left - 1)
            return self._last[text]
        found = self._find(text)
        files = [name for name in names if name.endswith(SUFFIXES)] if is_folder else names
        if found and self._are_files(files, found):
            self._listings[text] = _Listing(names)
        return found

    def _list(self, text: str) -> tuple[bool, list[str]]:
        """Whether it is a folder, and what it holds; else what matches a glob."""
        try:
            return True, [os.path.join(text, name) for name in self._fs.list_folder(text)]  # noqa: PTH118 - str, of thousands
        except FileNotFoundError:
            return False, matches(text)
        except OSError:  # it is told by the longer way
            return False, []

    def _are_files(self, paths: list[str], found: list[Named]) -> bool:
        """Whether each path is a file of its own that was found, and nothing else was."""
        names = [os.path.basename(path) for path in paths if not self.is_excluded(path)]  # noqa: PTH119 - likewise
        all_files = all(named.with_rotated for named in found)
        return all_files and names == [named.path.name for named in found]

    def _find(self, text: str) -> list[Named]:
        path = Path(text)
        is_there = self._fs.exists(path)
        if (is_there and not path.is_dir()) or (not is_there and not glob.has_magic(text)):
            if is_there and not path.is_file():
                raise SourceError(
                    f"{path} is no file, so it cannot be gone on with: give it as standard input "
                    f"(- and < {path})"
                )
            if not is_there and not self._follow:
                raise SourceError(
                    f"{text} does not exist; name a file, a folder of .jsonl files, or -"
                )
            return [Named(path, with_rotated=True)]
        try:
            sources = find_sources([text], self._fs, self._pass_over)
        except SourceError as error:
            if not self._follow:
                raise
            if not isinstance(error.__cause__, OSError):
                return []
            self._tell(f"{error}; trying again")
            return self._last.get(text, [])
        refuse_streams(sources, self._choice)
        return [
            # Not every glob matches what files are renamed to; a segment is never renamed.
            Named(path, with_rotated=source.kind == "file")
            for source in sources
            for path in self._files(source)
            if not self.is_excluded(path)
        ]

    def _pass_over(self, path: Path, error: OSError) -> None:
        """One of many files cannot be looked at: the others are read all the same."""
        gone = isinstance(error, FileNotFoundError) and not path.is_symlink()  # just rotated
        if not gone and not self.is_excluded(path):
            self._tell(f"{path} cannot be looked at and is passed over: {error.strerror or error}")

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._notice(text)

    def _is_too_old(self, path: Path) -> bool:
        """Whether a file is to be passed over; what was not stays so, however long it rests."""
        if self._oldest_us is None:
            return False
        try:
            status = self._fs.status(path)
        except OSError:  # it is not there
            return False
        if (status.device, status.inode) in self._known:
            return False
        if status.mtime_ns < self._oldest_us * 1000:
            return True
        self._known.add((status.device, status.inode))
        return False

    def is_excluded(self, path: str | os.PathLike[str]) -> bool:
        """Whether a file is not to be read."""
        text = os.fspath(path)
        name = os.path.basename(text)  # noqa: PTH119  # a path's text need not be a path of ours
        return any(fnmatch(text, pattern) or fnmatch(name, pattern) for pattern in self._exclude)

    def _files(self, source: Source) -> list[Path]:
        if source.kind == "file":
            return [source.path]
        if source.kind == "pipe":
            return []
        if source.path not in self._told and SUMMARY_NAME in self._fs.list_folder(source.path):
            self._told.add(source.path)
            self._notice(
                f"{source.path} was pruned: what its summary.json counts is not in any line and not"
                " ingested (`syncstats replay` counts it)"
            )
        return [segment.path for segment in list_segments(source.path, self._fs)]
