"""A stream's folder with one sealed segment: what stands there, and the steps of compressing it."""

from __future__ import annotations

from events.filesystem import RealFileSystem
from events.log.sealing import sealed_segments
from events.log.segment import open_segment, segment_name
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.lines import outcome_line

PLAIN = segment_name(0)
PACKED = PLAIN + ".zst"
TEXT = b"".join(map(outcome_line, range(2000))) + b"unfinished"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def sealed(folder):
    [segment] = sealed_segments(folder, RealFileSystem())
    return segment


def text(folder):
    with open_segment(sealed(folder), RealFileSystem()) as file:
        return file.read()


class Steps(FaultyFileSystem):
    """Notes names that are given and taken, too."""

    def rename(self, source, target):
        self.note("rename", target)
        super().rename(source, target)

    def remove(self, path):
        self.note("remove", path)
        super().remove(path)
