"""A view of a log, what it asks of the file system, and what it tells."""

from __future__ import annotations

import pytest

from projections.errors import ProjectionError
from projections.log_view import LogView
from tests.support.faulty_filesystem import FaultyFileSystem


class CountingFileSystem(FaultyFileSystem):
    """Counts looks at folders and files too."""

    def list_folder(self, path):
        self.note("list_folder", path)
        return super().list_folder(path)

    def size(self, path):
        self.note("size", path)
        return super().size(path)


class Watched:
    """A view of a data folder, and what it told."""

    def __init__(self, data, **faults):
        self.fs = CountingFileSystem(**faults)
        self.notices: list[str] = []
        self.problems: list[object] = []
        self.view = LogView(
            data, fs=self.fs, notice=self.notices.append, problem=self.problems.append
        )

    def catch_up(self):
        return self.view.catch_up()

    def entry(self, stream="a"):
        return self.view.snapshot.streams[stream]

    def refuses(self):
        for _ in range(2):
            with pytest.raises(ProjectionError, match=r"cannot be brought to disk.*until its work"):
                self.view.sync()
