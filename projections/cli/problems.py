"""Places in a log that could not be believed, told on stderr while it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projections.cli.output import count, note

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem
    from projections.problems import Problem

SHOWN = 20


class Problems:
    """Prints the first problems, counts all: a broken file has millions.

    Attributes:
        invalid: Invalid lines so far.
        incomplete: Unfinished last lines so far.
    """

    def __init__(self) -> None:
        self.invalid = 0
        self.incomplete = 0

    def __call__(self, problem: Problem) -> None:
        """Take one problem."""
        if problem.incomplete:
            self.incomplete += 1
        else:
            self.invalid += 1
        if self.invalid + self.incomplete <= SHOWN:
            note(f"syncstats: {problem}")

    def pass_over(self, unsaid: int) -> None:
        """Count invalid lines that nobody told one by one."""
        self.invalid += unsaid

    def finish(self) -> None:
        """Say how many more there were than those that were printed."""
        more = self.invalid + self.incomplete - SHOWN
        if more > 0:
            note(f"syncstats: and {count(more)} more like these")


def tell_misnamed(data: Path, fs: FileSystem) -> None:
    """Say which folders of the log are passed over: a renamed stream is not to vanish silently."""
    from events.log.stream import misnamed_streams, stream_folder

    for name in misnamed_streams(data, fs):
        note(
            f"syncstats: {stream_folder(data, name)} is no stream for its name, so nothing in it is"
            " counted: a stream's name has letters, digits, '.', '_' and '-', 100 at most"
        )
