"""Segments below a summary's end: whether the summary holds all that stands in them.

A prune that was killed leaves such. So does a summary that was edited, or belongs to another log:
then they are all that is left of their lines, and must not go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.log.reader import Block, BlockReader
from events.log.segment import forms, open_source
from events.log.stream import SUMMARY_NAME
from projections.errors import SummaryError
from projections.placing import is_known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from events.filesystem import FileSystem
    from events.log.segment import Segment
    from projections.entry import Entry


def check_leftovers(
    segments: Iterable[Segment], entry: Entry, folder: Path, fs: FileSystem
) -> None:
    """Check that ``entry``, of a stream's summary, may have been made from these, among others.

    Raises:
        SummaryError: A line in one of them is not in it.
        EventsError: One of them is damaged.
        OSError: One of them cannot be read.
    """
    for path in (each.path for segment in segments for each in forms(segment, fs)):
        with open_source(path, fs) as file:
            for block in BlockReader(file):
                if isinstance(block, Block) and not is_known(block.data, entry, folder.name):
                    raise SummaryError(
                        f"{path} holds lines that are not in {folder / SUMMARY_NAME}, though that "
                        "ends after them: nothing is removed; bring the summary that belongs to "
                        "this log back from a backup, or move the segment out of this folder"
                    )
