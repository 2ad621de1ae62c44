"""Streams whose oldest segments went into a summary, made without the command that does so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.filesystem import RealFileSystem
from events.log.segment import forms, list_segments, open_segment
from projections.fold import Fold
from projections.reading import read_stream
from projections.summary import Summary, read_summary, write_summary

if TYPE_CHECKING:
    from pathlib import Path


def prune_to(data: Path, end: int, stream: str = "a", *, leave: bool = False) -> Summary:
    """Put all segments below ``end`` into the stream's summary.

    Args:
        data: The data folder.
        end: First seq of the first segment that stays.
        stream: The stream's name.
        leave: Whether the segments stay, as when a prune is killed.
    """
    fs = RealFileSystem()
    folder = data / "events" / stream
    before = read_summary(folder, fs)
    gone = [each for each in list_segments(folder, fs) if each.first_seq < end]
    fold = Fold() if before is None else Fold({stream: before.entry})
    for _ in read_stream(fold, stream, folder, fs, segments=gone):
        pass
    lines = 0 if before is None else before.lines
    for each in gone:
        with open_segment(each, fs) as file:
            lines += sum(1 for line in file if line.strip())
    summary = Summary(stream, end, lines, fold.entry(stream))
    write_summary(folder, summary, fs)
    if not leave:
        for each in gone:
            for form in forms(each, fs):
                form.path.unlink()
    return summary
