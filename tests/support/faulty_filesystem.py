"""A real file system that fails where a test says, and remembers what was asked of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from events.filesystem import RealFileSystem


@dataclass
class FaultyFileSystem(RealFileSystem):
    """Fails the n-th call (from 1) of an operation with an error number.

    Attributes:
        faults: For example ``{("sync", 2): errno.EIO}``.
        standing: Operations that fail whenever they are called, as long as they stand here.
        short: Bytes that a failing ``write`` still puts into the file.
        calls: ``(operation, file name)`` in the order in which they came, the failing included.
    """

    faults: dict[tuple[str, int], int] = field(default_factory=dict)
    standing: dict[str, int] = field(default_factory=dict)
    short: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)

    def note(self, operation, path):
        self.calls.append((operation, Path(path).name))
        code = self.faults.get((operation, self.count(operation)), self.standing.get(operation))
        if code is not None:
            raise OSError(code, os.strerror(code), str(path))

    def count(self, operation):
        return sum(name == operation for name, _ in self.calls)

    def open_append(self, path):
        self.note("open_append", path)
        return FaultyAppendFile(self, path, super().open_append(path))

    def open_read(self, path):
        self.note("open_read", path)
        return super().open_read(path)

    def sync_file(self, path):
        self.note("sync_file", path)
        super().sync_file(path)

    def write_again(self, path, offset):
        self.note("write_again", path)
        super().write_again(path, offset)

    def truncate(self, path, size):
        self.note("truncate", path)
        super().truncate(path, size)

    def write_new(self, path, data):
        self.note("write_new", path)
        super().write_new(path, data)

    def replace_file(self, path, data, mode=None):
        self.note("replace_file", path)
        super().replace_file(path, data, mode)

    def sync_folder(self, path):
        self.note("sync_folder", path)
        super().sync_folder(path)


class FaultyAppendFile:
    def __init__(self, fs, path, file):
        self.fs = fs
        self.path = path
        self.file = file

    def write(self, data):
        try:
            self.fs.note("write", self.path)
        except OSError:
            self.file.write(data[: self.fs.short])
            raise
        self.file.write(data)

    def sync(self):
        self.fs.note("sync", self.path)
        self.file.sync()

    def size(self):
        return self.file.size()

    def close(self):
        self.fs.note("close", self.path)
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
