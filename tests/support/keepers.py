"""Keepers of one data folder's ``stats.json``, on a disk that can be full."""

from __future__ import annotations

import errno
import json

from projections.compressing import Compressor
from projections.keeper import Keeper
from projections.runner import Runner
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded


class DiskFileSystem(FaultyFileSystem):
    """Fails replacements while it is full."""

    full = False

    def replace_file(self, path, data, mode=None):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        super().replace_file(path, data, mode)


class Keepers:
    """Keepers of one data folder, as several processes would have them."""

    def __init__(self, data):
        self.data = data
        self.fs = DiskFileSystem()
        self.errors: list[Exception] = []
        self.mended: list[int] = []
        self.unpacked: list[Exception] = []
        self.made: list[Keeper] = []

    def __call__(self, **options) -> Keeper:
        keeper = Keeper(
            self.data,
            Runner(self.data, fs=self.fs),
            fs=self.fs,
            failed=self.errors.append,
            mended=lambda: self.mended.append(len(self.errors)),
            **options,
        )
        self.made.append(keeper)
        return keeper

    def compressing(self, **options) -> Keeper:
        compressor = Compressor(self.data, fs=self.fs, failed=self.unpacked.append)
        return self(compressor=compressor, **options)

    def names(self, stream: str = "a") -> list[str]:
        """Which segments there are, by the end of their names."""
        folder = segment(self.data, stream).parent
        return sorted(path.name[19:] for path in folder.iterdir() if path.name != "lock")

    def rotate(self, *firsts: int, stream: str = "a") -> None:
        """Segments of one line each."""
        for first in firsts:
            append(segment(self.data, stream, first), succeeded(first, stream))

    def work(self, *seqs: int, stream: str = "a") -> None:
        append(segment(self.data, stream), *(succeeded(n, stream) for n in seqs))

    @property
    def jobs(self) -> int | None:
        stats = self.data / "stats.json"
        return json.loads(stats.read_bytes())["jobs_processed"] if stats.exists() else None
