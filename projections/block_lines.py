"""Lines one by one, out of the blocks in which they are read: for people who watch them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.json_text import is_blank
from events.log.reader import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from events.log.reader import Overlong


def lines_of(blocks: Iterable[Block | Overlong]) -> Iterator[bytes]:
    r"""Give each line without its ``\n``; blank ones and those that are too long are passed over.

    Args:
        blocks: What a reader of a file gives.
    """
    for block in blocks:
        if isinstance(block, Block):
            yield from (line for line in block.data.split(b"\n") if not is_blank(line))
