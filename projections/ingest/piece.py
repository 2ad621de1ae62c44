"""Lines of one file that are held until the format of their log is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from events.log.reader import Block, Overlong
from projections.choosing import whole_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from events.follow.record import FileRecord


@dataclass(eq=False, slots=True)
class Piece:
    """Lines of one file that follow one another.

    Attributes:
        log: Under which log they are held.
        path: Where they stood.
        text: Stands for the file's text, see `events.follow.turns.Read.text`.
        start: How far the file had been counted before; None: nothing of it.
        blocks: The lines; none where the log was given up.
    """

    log: str
    path: Path
    text: object
    start: FileRecord | None
    blocks: list[Block | Overlong] = field(default_factory=list)


def says_anything(block: Block | Overlong) -> bool:
    """Whether any of the lines is more than white space."""
    return isinstance(block, Block) and bool(whole_lines(block.data))


def bytes_of(blocks: Iterable[Block | Overlong]) -> int:
    """How much room lines take."""
    return sum(len(block.data) for block in blocks if isinstance(block, Block))
