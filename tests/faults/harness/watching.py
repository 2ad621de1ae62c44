"""Makes the product's own classes tell a `Gate` of the calls that change something on the disk."""

from __future__ import annotations

import functools
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from events.filesystem import real
from events.log.writer import StreamWriter
from sync_queue.connection import Database
from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue
from worker.own_stream import StreamOpener
from worker.takeover import TakeOver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack

    from tests.faults.harness.steps import Gate

    Naming = Callable[..., object]

ARCHIVE = "archive"
"""Folder beside the data folder that keeps each segment that is removed from the log."""


def watch_all(stack: ExitStack, gate: Gate, archive: Path) -> None:
    """Watch this process until ``stack`` is closed."""
    watch = _Watcher(stack, gate).watch
    for method in ("sync_file", "truncate", "write_new", "replace_file", "sync_folder"):
        watch(real.RealFileSystem, method, f"fs.{method}", _file_name)
    for method in ("open_append", "write_again", "remove", "make_folder", "try_lock"):
        watch(real.RealFileSystem, method, f"fs.{method}", _file_name)
    watch(real.RealFileSystem, "rename", "fs.rename", lambda _, _source, target: _base(target))
    watch(real, "_create", "fs.create", lambda path, *_, **__: _base(path))
    watch(real.RealAppendFile, "write", "file.write", _own_name)
    watch(real.RealAppendFile, "sync", "file.sync", _own_name)
    watch(StreamWriter, "append", "stream.append", lambda *_, **__: "")
    watch(StreamOpener, "recover", "stream.recover", lambda _, stream: stream)
    for method in ("start", "mend_dead"):
        watch(TakeOver, method, f"takeover.{method}", lambda *_, **__: "")
    watch(DeadLetterQueue, "insert", "letters.insert", lambda _, letters: len(letters))
    watch(JobQueue, "apply", "queue.apply", lambda _, _stream, endings, **__: len(endings))
    for method in ("take_over", "release_lost", "retry_dead", "forget_marks", "enqueue_many"):
        watch(JobQueue, method, f"queue.{method}", lambda *_, **__: "")
    _remember_names(stack)
    _tear_writes(stack, gate)
    _watch_transactions(stack, gate)
    _watch_idleness(stack, gate)
    _keep_what_is_removed(stack, archive)


class _Watcher:
    """Puts watched functions in the place of the product's own."""

    def __init__(self, stack: ExitStack, gate: Gate) -> None:
        self._stack = stack
        self._gate = gate

    def watch(self, owner: Any, method: str, call: str, name: Naming) -> None:
        """Tell the gate of a method as ``call:name``, before, within and after."""
        original, gate = getattr(owner, method), self._gate

        @functools.wraps(original)
        def watched(*args: Any, **options: Any) -> Any:
            here = f"{call}:{name(*args, **options)}"
            gate.reach(here, "before")
            with gate.inside(here):
                result = original(*args, **options)
            refused = result is None and method == "try_lock"
            gate.reach(here, "refused" if refused else "after")
            return result

        self._stack.enter_context(patch.object(owner, method, watched))


def _base(path: Any) -> str:
    return Path(path).name


def _file_name(_fs: object, path: Any, *_: object, **__: object) -> str:
    return _base(path)


def _own_name(file: Any, *_: object) -> str:
    name: str = file.__dict__.get("watched_name", "")
    return name


def _remember_names(stack: ExitStack) -> None:
    """A file that is open for appending knows its descriptor only."""
    original = real.RealFileSystem.open_append

    @functools.wraps(original)
    def named(self: real.RealFileSystem, path: Any) -> real.RealAppendFile:
        file = original(self, path)
        file.__dict__["watched_name"] = _base(path)
        return file

    stack.enter_context(patch.object(real.RealFileSystem, "open_append", named))


def _tear_writes(stack: ExitStack, gate: Gate) -> None:
    """SIGKILL cannot be timed into the midst of a write: a part is written, then the process dies.

    All writes of the product's own files end here, those of the log and those of other files.
    """
    original = real._write_all

    @functools.wraps(original)
    def torn(descriptor: int, data: bytes) -> None:
        part = gate.tears("write", data)
        if part is None:
            original(descriptor, data)
            return
        os.write(descriptor, part)
        gate.die("torn write")

    stack.enter_context(patch.object(real, "_write_all", torn))


def _watch_transactions(stack: ExitStack, gate: Gate) -> None:
    original = Database.transaction

    @contextmanager
    def watched(self: Database) -> Iterator[Any]:
        here = f"database.transaction:{self.path.name}"
        gate.reach(here, "before")
        with gate.inside(here), original(self) as connection:
            yield connection
            gate.reach("all", "commit")
        gate.reach(here, "after")

    stack.enter_context(patch.object(Database, "transaction", watched))


def _watch_idleness(stack: ExitStack, gate: Gate) -> None:
    look, write = TakeOver.mend_dead, StreamWriter.append

    def looks(self: TakeOver, *args: Any) -> int:
        gate.look_for_work()
        return look(self, *args)

    def writes(self: StreamWriter, *args: Any) -> None:
        gate.has_worked()
        write(self, *args)

    stack.enter_context(patch.object(TakeOver, "mend_dead", looks))
    stack.enter_context(patch.object(StreamWriter, "append", writes))


def _keep_what_is_removed(stack: ExitStack, archive: Path) -> None:
    """So that the audit can count what was pruned: each removed segment keeps another name."""
    original = real.RealFileSystem.remove

    def kept(self: real.RealFileSystem, path: Any) -> None:
        path = Path(path)
        if ".jsonl" in path.name and path.exists():
            place = archive / path.parent.name
            place.mkdir(parents=True, exist_ok=True)
            target = place / path.name
            while not _link(path, target):
                target = target.with_name(f"again-{target.name}")
        original(self, path)

    stack.enter_context(patch.object(real.RealFileSystem, "remove", kept))


def _link(path: Path, target: Path) -> bool:
    """Give the file a second name; False if another file has that."""
    try:
        os.link(path, target)
    except FileExistsError:
        return target.samefile(path)
    return True
