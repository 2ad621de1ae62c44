"""Streams' folders that are folded together: their summaries first, and no two histories of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projections.errors import SourceError
from projections.seqs import size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from projections.fold import Fold
    from projections.sources import Source
    from projections.summary import Summary


def is_one_log(sources: Sequence[Source]) -> bool:
    """Whether all lines of each stream come from one folder, so that it has a place in a log."""
    streams = [source.path.name for source in sources if source.kind == "stream"]
    return len(streams) == len(sources) and len(streams) == len(set(streams))


def begin(fold: Fold, summaries: Iterable[tuple[str, Summary]]) -> None:
    """Fold what streams that were pruned add up to.

    Before all lines: of a line it can be told whether its seq was counted. Of two summaries, one
    may hold all that the other holds, or nothing of it.

    Args:
        fold: Into which they are folded.
        summaries: They, each with its folder's name.

    Raises:
        SourceError: Two of them hold the same only in part.
    """
    for folder, summary in sorted(summaries, key=lambda found: -size(found[1].entry.seen)):
        if not fold.absorb(summary.stream, summary.entry):
            raise SourceError(
                f"what was pruned of {folder} was pruned of another folder of stream "
                f"{summary.stream!r} only in part, so it cannot be told what is in both: replay "
                "one of them without the other"
            )


def refuse_forks(forks: Mapping[str, int], folders: Iterable[tuple[str, str]]) -> None:
    """Refuse folders of one stream that hold different events under one number.

    Args:
        forks: The streams of which two histories were folded, as `Fold.forks` gives them.
        folders: All streams' names, each with its folder's name.

    Raises:
        SourceError: There are such; whichever was read first would hide the other.
    """
    known = [*folders]
    for stream, seq in sorted(forks.items()):  # the same one, whichever was read first
        found = [folder for name, folder in known if name == stream]
        if len(found) > 1:
            raise SourceError(
                f"{found[0]} and {found[1]} hold two histories of stream {stream!r}, which "
                f"differ at seq {seq} (a backup was restored and written on?): replay one of them "
                "alone"
            )
