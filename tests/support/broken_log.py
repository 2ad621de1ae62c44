"""Ways to break the rules of the event log: tail, owner, lock, syncs, twins."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from events.log.owner import owns
from events.log.recovery import recover
from events.log.segment import Segment, list_segments
from events.log.stream import LOCK_NAME
from events.log.writer import StreamWriter
from tests.support.mutating import Changed, everywhere, made_with
from worker.takeover import TakeOver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _do_nothing(*_: object) -> None:
    """Stands for a call that is left out."""


def recover_with(*methods: str) -> Callable[[], Any]:
    """A recovery in which some methods of the file system do nothing."""

    def careless(folder: Path, fs: Any, *more: Any) -> Any:
        found = recover(folder, Changed(fs, **dict.fromkeys(methods, _do_nothing)), *more)
        if found.tail is None:
            return found
        # What stands there is gone on with, whatever its end is.
        size = fs.size(list_segments(folder, fs)[-1].path)
        return replace(found, tail=(found.tail[0], size), torn=None)

    return lambda: everywhere(recover, careless)


def _owns_all(folder: Path, fs: Any, _boot_id: str) -> bool:
    return bool(fs.is_folder(folder))


def owner_ignored() -> Any:
    """Whoever finds a stream may write on in it."""
    return everywhere(owns, _owns_all)


def locks_ignored() -> Any:
    """A take-over goes on where the stream's lock is held."""

    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        fs = given["fs"]

        def try_lock(path: Path) -> Any:
            lock = fs.try_lock(path)
            return ExitStack() if lock is None and path.name == LOCK_NAME else lock

        return {"fs": Changed(fs, try_lock=try_lock)}

    return made_with(TakeOver, changed)


def failed_sync_believed() -> Any:
    """A writer takes a sync that failed for one that succeeded."""

    def changed(_: Any, given: dict[str, Any]) -> dict[str, Any]:
        fs = given["fs"]

        def open_append(path: Path) -> Any:
            file = fs.open_append(path)

            def sync() -> None:
                with suppress(OSError):
                    file.sync()

            return Changed(file, sync=sync)

        return {"fs": Changed(fs, open_append=open_append)}

    return made_with(StreamWriter, changed)


def _list_all(folder: Path, fs: Any) -> list[Segment]:
    found = []
    for name in fs.list_folder(folder):
        only = Changed(fs, list_folder=lambda _, name=name: [name])
        found += list_segments(folder, only)
    return sorted(found, key=lambda segment: segment.first_seq)


def twins_listed() -> Any:
    """A segment's two files are two segments."""
    return everywhere(list_segments, _list_all)
