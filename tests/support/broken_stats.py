"""Ways to break the rules of ``stats.json``: how it is written, what it covers, what counts."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from projections.log_view import LogView
from projections.seqs import SeqSet
from projections.store import SnapshotStore
from tests.support.mutating import Changed, made_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def stats_in_place() -> Any:
    """A store cuts the old file, and writes the new one there in two halves."""

    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        fs = given["fs"]

        def overwrite(path: Path, data: bytes, **_: Any) -> None:
            with suppress(FileNotFoundError):
                fs.truncate(path, 0)
            with fs.open_append(path) as file:
                file.write(data[: len(data) // 2])
                file.write(data[len(data) // 2 :])
                file.sync()

        return {"fs": Changed(fs, replace_file=overwrite)}

    return made_with(SnapshotStore, changed)


def _syncs_nothing(_view: LogView) -> None:
    """A view of the log that believes it to be on the disk."""


def sync_left_out() -> Any:
    """A runner saves what is not on the disk."""
    return patch.object(LogView, "sync", _syncs_nothing)


@contextmanager
def join_left_out() -> Iterator[None]:
    """Whoever has saved once takes what stands in the file for what it has saved itself."""
    own: WeakKeyDictionary[SnapshotStore, bytes] = WeakKeyDictionary()
    read, put = SnapshotStore.read, SnapshotStore.replace

    def read_own(self: SnapshotStore) -> bytes | None:
        return own.get(self) or read(self)

    def remember(self: SnapshotStore, data: bytes) -> None:
        put(self, data)
        own[self] = data

    with (
        patch.object(SnapshotStore, "read", read_own),
        patch.object(SnapshotStore, "replace", remember),
    ):
        yield


def seq_not_checked() -> Any:
    """A set of numbers says of each that it is new."""
    add = SeqSet.add

    def add_always(self: SeqSet, seq: int) -> bool:
        add(self, seq)
        return True

    return patch.object(SeqSet, "add", add_always)
