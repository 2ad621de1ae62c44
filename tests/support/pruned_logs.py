"""Streams whose oldest segments went into a summary, made without the command that does so."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from events.filesystem import RealFileSystem
from events.log.segment import forms, list_segments, open_segment
from projections.fold import Fold
from projections.reading import read_stream
from projections.replay import replay
from projections.runner import Runner
from projections.summary import Summary, read_summary, write_summary
from tests.support.outcome_lines import failed, opened, skipped, succeeded

if TYPE_CHECKING:
    from pathlib import Path

    from projections.snapshot import Snapshot

SEGMENTS: Final = {
    0: (opened(0, "e0"), succeeded(1), failed(2), b"not json\n"),
    3: (succeeded(3), succeeded(2), opened(4, "e1"), succeeded(5, duration_ns=-1)),
    6: (skipped(6), failed(7, to_dlq=True), b"\n"),
    9: (succeeded(9), succeeded(10)),
}
"""The segments of a stream that has a hole, duplicates and invalid lines, by their first seq."""


def folder_of(data: Path, stream: str = "a") -> Path:
    return data / "events" / stream


def replayed(*paths: Path) -> Snapshot:
    """What the logs add up to, read anew."""
    return replay([str(path) for path in paths], stdin=io.BytesIO()).snapshot


def saved(data: Path) -> bytes:
    """stats.json, brought up to date by a runner."""
    runner = Runner(data)
    runner.start()
    runner.catch_up()
    runner.save()
    return (data / "stats.json").read_bytes()


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


class PruningWhenRead(RealFileSystem):
    """Prunes at the moment at which a segment is opened.

    Args:
        data: The data folder.
        name: The segment's name.
        end: Where the summary will end.
    """

    def __init__(self, data: Path, name: str, end: int) -> None:
        self.data = data
        self.name = name
        self.end = end

    def open_read(self, path: Any) -> Any:
        if str(path).endswith(self.name):
            self.name = "none"
            prune_to(self.data, self.end)
        return super().open_read(path)
