"""Events as lines of text: cut to a width, coloured or not, with a line where a day begins."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from events.terminal import safe
from projections.cli.event_view import view_of

if TYPE_CHECKING:
    from datetime import date

    from projections.cli.event_view import ReadEvent

_SGR = {"green": "32", "cyan": "36", "yellow": "33", "red": "31", "bold red": "1;31", "dim": "2"}
"""Styles as terminals are told of them: ECMA-48, "select graphic rendition"."""
_MARK_AT = 9  # where the mark begins: behind the time
_WIDENS = "\ufe0f"  # some terminals show what stands before it two cells wide


class EventLines:
    """Makes lines of events that are shown one below the other.

    Args:
        coloured: Whether to colour them.
        full: Whether to leave them as long as they are, and long ids whole.
    """

    def __init__(self, *, coloured: bool, full: bool) -> None:
        self._coloured = coloured
        self._full = full
        self._day: date | None = None

    def lines(self, told: ReadEvent, width: int) -> str:
        r"""Make the line of an event, and before it one of its day if that is a new one.

        Args:
            told: The event.
            width: How many columns a line may take.

        Returns:
            One line or two, each with its ``\n``.
        """
        view = view_of(told, full=self._full)
        text = safe(view.line())
        if not self._full:
            text = cut(text, width)
        end = _MARK_AT + len(view.mark)
        if self._coloured:
            mark = self._in(view.style, text[_MARK_AT:end])
            text = text[:_MARK_AT] + mark + text[end:]
        if view.moment is None or view.moment.date() == self._day:
            return text + "\n"
        self._day = view.moment.date()
        return self._in("dim", cut(f"--- {self._day} UTC", width)) + "\n" + text + "\n"

    def _in(self, style: str, text: str) -> str:
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if self._coloured and text else text


def cut(text: str, width: int) -> str:
    """Cut a line that takes more cells of a terminal than this, and end it with an ellipsis.

    Each character counts by itself, so a family of emoji that a terminal may show as one counts
    as its members: the line is never longer than this, on no terminal.

    >>> cut("abcdef", 4), cut("日本語", 4), cut("ab", 2)
    ('abc…', '日…', 'ab')
    """
    if text.isascii():
        return text if len(text) <= width else text[: width - 1] + "…"
    taken = fits = 0
    for place, char in enumerate(text):
        taken += 1 if " " <= char <= "~" else _cells(char)
        if taken < width:
            fits = place + 1
        elif taken > width:
            return text[:fits] + "…"
    return text


@lru_cache(4096)
def _cells(char: str) -> int:
    from rich.cells import cell_len

    return 1 if char == _WIDENS else cell_len(char)
