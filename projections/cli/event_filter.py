"""Which lines somebody wants to see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projections.cli.event_view import view_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from projections.cli.event_view import ReadEvent

SEARCHED_BYTES = 64 << 10
"""A pattern looks at so much of a line: some need time as its square, and `re` has no limit."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Lines that tell of one of these ends, and hold a match of this pattern.

    Attributes:
        ends: Names out of `projections.cli.event_view.ENDS`; none: lines of any kind, also those
            that are no outcomes.
        pattern: Looked for in the line as it is shown, and as `ReadEvent.written` gives it.
    """

    ends: frozenset[str]
    pattern: re.Pattern[str] | None

    def passes(self, told: ReadEvent) -> bool:
        """Whether it is to be shown."""
        if self.ends and told.end not in self.ends:
            return False
        if self.pattern is None:
            return True
        written = told.written[:SEARCHED_BYTES].decode(errors="replace")
        if self.pattern.search(written) is not None:
            return True
        return self.pattern.search(view_of(told).line()[:SEARCHED_BYTES]) is not None


def event_filter(ends: Iterable[str], pattern: str | None) -> EventFilter | None:
    """Make a filter; None if all is to be shown.

    Args:
        ends: Which ends; ``failed`` means the dead ones, too.
        pattern: A regular expression; None for any text.
    """
    wanted = frozenset(ends)
    if "failed" in wanted:
        wanted |= {"dead"}
    if not wanted and pattern is None:
        return None
    return EventFilter(wanted, None if pattern is None else re.compile(pattern))
