"""Whether a search would find what the last one found: of thousands of files it costs too much."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING

from projections.sources import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projections.sources import Source

_TAKEN_OVER = 4


class SameNames:
    """Says so of globs that match the same names, each of which was a file of its own.

    That a name leads to another file is seen by who looks at it. That it leads to a folder now is
    not, so each fifth time a search is asked for whatever the names are.
    """

    def __init__(self) -> None:
        self._names: list[list[str]] | None = None
        self._left = 0

    def are_there(self, paths: Sequence[str]) -> bool:
        """Whether the last search of these paths, which `found` was told of, need not be made."""
        if not all(map(glob.has_magic, paths)):
            self._names = None
            return False
        before, self._names = self._names, [matches(path) for path in paths]
        if not self._left or self._names != before:
            self._left = 0
            return False
        self._left -= 1
        return True

    def found(self, sources: Sequence[Source]) -> None:
        """Take note of what a search gave, after it was asked for."""
        if self._names is not None:
            names = {name for one in self._names for name in one}
            files = {str(source.path) for source in sources if source.kind == "file"}
            self._left = _TAKEN_OVER if names == files and len(files) == len(sources) else 0
