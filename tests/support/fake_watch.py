"""A watch that gives what it is told to, and runs of an ingestion over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from msgspec.structs import replace

from events.follow.record import FileRecord
from events.log.reader import Block, Overlong
from projections.ingest.ingestion import Ingestion
from projections.ingest.state import State

if TYPE_CHECKING:
    from projections.problems import Problem


@dataclass
class Read:
    log: str
    path: Path
    block: Block | Overlong
    text: object
    before: FileRecord | None = None


class FakeWatch:
    """Gives what it is told to, and knows how far each log was given."""

    def __init__(self, files: tuple[FileRecord, ...] = ()) -> None:
        self.files = {file.log: file for file in files}
        self.text_of = {file.log: object() for file in files}
        self.next: list[Read] = []
        self.synced = 0
        self.searched_us: int | None = None

    def put(self, log: str, *lines: bytes, path: str | None = None) -> None:
        before = self.files.get(log) or FileRecord(log=log, path=path or log, device=1, inode=7)
        data = b"".join(lines)
        end, crc = before.offset + len(data), crc32(data, before.crc)
        path = path or before.path
        self.files[log] = replace(before, path=path, offset=end, crc=crc)
        text = self.text_of.setdefault(log, object())
        self.next.append(Read(log, Path(path), Block(before.offset, data), text, before))

    def move(self, log: str, other: str, path: str | None = None) -> None:
        """Let the file of one log become one of another."""
        self.files[other] = replace(self.files.pop(log), log=other, path=path or other)
        self.text_of[other] = self.text_of.pop(log)

    def look(self):
        given, self.next = self.next, []
        yield from given

    def texts(self):
        self.text_of = {log: self.text_of[log] for log in self.files}
        return [(self.text_of[log], file) for log, file in self.files.items()]

    def sync(self):
        self.synced += 1


class Run:
    """One run over the state that the last one saved."""

    def __init__(self, store, choice, epoch="e0"):
        state = store.load() or State("ingest-1")
        self.told: list[str] = []
        self.problems: list[Problem] = []
        self.watch = FakeWatch(state.files)
        self.store = store
        self.ingestion = Ingestion(
            self.watch,
            store,
            state,
            choice,
            epoch=epoch,
            told=self.told.append,
            problem=self.problems.append,
        )

    def take(self, log, *lines, path=None):
        self.watch.put(log, *lines, path=path)
        for _ in self.ingestion.look():
            pass
        return self

    def save(self):
        self.ingestion.save()
        return self.store.load()

    @property
    def total(self):
        return self.ingestion.snapshot().total()
