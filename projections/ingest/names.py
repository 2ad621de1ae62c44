"""What a log is called in messages: as whoever asked for it would write it."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from events.follow.places import log_key
from events.follow.record import text_path
from projections.sources import STDIN

if TYPE_CHECKING:
    from collections.abc import Iterable

STDIN_NAME = "standard input"


class LogNames:
    """Names logs by their keys: those that were asked for by a relative path are so named.

    Args:
        paths: What was asked for: files, folders, globs.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        given = [path for path in paths if path != STDIN and not os.path.isabs(path)]  # noqa: PTH117 - a glob is no path
        self._logs = {log_key(path) for path in given}
        self._patterns = [os.path.abspath(path) for path in given]  # noqa: PTH100 - likewise

    def __call__(self, log: str) -> str:
        """The name of the log that has this key."""
        if log == STDIN:
            return STDIN_NAME
        path = text_path(log)
        if log in self._logs or any(_is_found(path, each) for each in self._patterns):
            return os.path.relpath(path)
        return path


def _is_found(path: str, pattern: str) -> bool:
    """Whether it is what a glob finds, or stands in a folder."""
    return fnmatch(path, pattern) or path.startswith(f"{pattern}{os.sep}")
