"""Tables of text that fit a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Goal, Part

WIDTH = 80
_GUTTER = "  "


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align a table: words to the left, numbers to the right.

    The first column gives way where it does not fit.
    """
    lines = [list(heads), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - len(_GUTTER) * (len(widths) - 1))
    out = []
    for line in lines:
        name = textwrap.shorten(line[0], widths[0], placeholder="…").ljust(widths[0])
        cells = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        out.append(_GUTTER.join([name, *cells]).rstrip())
    out.insert(1, "-" * max(map(len, out)))
    return "\n".join(out)


def goals(found: Sequence[Goal]) -> str:
    """What was promised, with what was found."""
    return table(
        ["goal", "wanted", "found", "verdict"],
        [[goal.what, goal.limit, goal.figure, goal.verdict] for goal in found],
    )


def part(found: Part) -> str:
    """A part as text."""
    pieces = [table(found.heads, found.rows)]
    pieces += ["\n".join(textwrap.wrap(note, WIDTH)) for note in found.notes]
    if found.missing:
        pieces.append("\n".join(textwrap.wrap(f"Not here: {'; '.join(found.missing)}.", WIDTH)))
    if found.goals:
        pieces.append(goals(found.goals))
    return "\n\n".join(pieces)
