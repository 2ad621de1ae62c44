"""A file system in memory, for crashes at every step: `FileSystem` as one process sees it.

Every operation that changes anything, or brings it to the disk, is a numbered step; those of
`events.filesystem.real` that take several steps take the same ones here (a contract test compares
them). A process dies before a step or in its middle, or the step fails; then the disk is looked at
as a restarted process finds it (`after_kill`) or as a reboot does (`after_power_cut`).
"""

from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from events.errors import EventsError
from events.filesystem import FileStatus
from tests.support.crash_choices import Choice, Given, power_cuts
from tests.support.model_disk import (
    File,
    Folder,
    ModelDisk,
    Naming,
    Resize,
    Write,
    parts,
    system_error,
)
from tests.support.model_handles import Crashed, ModelAppendFile, ModelLock, ModelReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from random import Random

    from events.filesystem import StrPath

SYNC_ERRORS = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT})
"""Errors of a file's sync after which its pages are taken for clean."""


class ModelFileSystem:
    """One process's way to a disk in memory. Several of them may share a disk.

    Args:
        disk: The disk; a new one if None.
        crash_at: The step (from 1) before which the process dies.
        part: How much of a write happens all the same where the process dies at it or it fails,
            from 0 to 1.
        fail_at: Steps that fail, with the error number.
        before: Told of each step before it happens; others may act there.

    Attributes:
        disk: The disk.
        steps: (operation, name) of every step, that at which the process died included.
        crash_at: As given; may be changed, as the others.
        part: As given.
        fail_at: As given.
        before: As given.
    """

    def __init__(
        self,
        disk: ModelDisk | None = None,
        *,
        crash_at: int | None = None,
        part: float = 0.0,
        fail_at: Mapping[int, int] | None = None,
        before: Callable[[str, str], object] | None = None,
    ) -> None:
        self.disk = disk or ModelDisk()
        self.steps: list[tuple[str, str]] = []
        self.before = before
        self.crash_at = crash_at
        self.part = part
        self.fail_at = dict(fail_at or {})
        self._dead = False

    # What a test does with it

    def kill(self) -> None:
        """Let the process be gone; its locks are free, its files stay as they are."""
        self._dead = True
        for number in [n for n, holder in self.disk.locks.items() if holder is self]:
            del self.disk.locks[number]

    def after_kill(self) -> ModelFileSystem:
        """What a process finds that is started after all were killed; this one is left alone."""
        return ModelFileSystem(self.disk.copy())

    def after_power_cut(self, choice: Choice = ()) -> ModelFileSystem:
        """What a reboot finds; of what is open, what ``choice`` says, then the least."""
        return ModelFileSystem(self.disk.after_power_cut(Given(choice)))

    def power_cuts(self, rng: Random, most: int) -> list[tuple[Choice, ModelFileSystem]]:
        """What reboots may find: all of it if there are at most so many, else so many."""
        return [(choice, ModelFileSystem(d)) for choice, d in power_cuts(self.disk, rng, most)]

    # The protocol

    def open_append(self, path: StrPath) -> ModelAppendFile:
        """See `FileSystem.open_append`."""
        self.alive()
        folder, name = self._place(path)
        if name not in folder.entries:
            self._create_name(path)
        else:
            self._step("open", path)
        return ModelAppendFile(self, path, self._writable(path))

    def open_read(self, path: StrPath) -> BinaryIO:
        """See `FileSystem.open_read`."""
        reader = ModelReader(self, self._readable(path))
        return cast("BinaryIO", io.BufferedReader(reader))

    def sync_file(self, path: StrPath) -> None:
        """See `FileSystem.sync_file`."""
        self.sync(path, self._readable(path))

    def write_again(self, path: StrPath, offset: int) -> None:
        """See `FileSystem.write_again`."""
        file = self._writable(path)
        if offset < len(file.data):
            self.write(path, file, file.data[offset:], offset)

    def truncate(self, path: StrPath, size: int) -> None:
        """See `FileSystem.truncate`."""
        file = self._writable(path)
        self._step("truncate", path)
        file.change(Resize(size))
        self.sync(path, file)

    def write_new(self, path: StrPath, data: bytes | Iterable[bytes]) -> None:
        """See `FileSystem.write_new`."""
        self._create(path, [data] if isinstance(data, bytes) else data)
        self.sync_folder(Path(path).parent)

    def replace_file(self, path: StrPath, data: bytes, mode: int | None = None) -> None:
        """See `FileSystem.replace_file`; there are no modes here."""
        del mode
        target = Path(path)
        temporary = target.parent / self.disk.temporary_name()
        self._create(temporary, [data])
        try:
            self.rename(temporary, target)
        except BaseException:
            self.remove(temporary)
            raise
        self.sync_folder(target.parent)

    def make_folder(self, path: StrPath, mode: int = 0o700) -> None:
        """See `FileSystem.make_folder`."""
        folder = Path(path)
        if self.is_folder(folder):
            return
        is_in_another = self.is_folder(folder.parent)
        try:
            if not is_in_another:
                self.make_folder(folder.parent, mode)
            self._make_one_folder(folder)
        except (FileExistsError, NotADirectoryError) as error:
            raise EventsError(f"{folder} is no folder: move it away, or name another") from error
        self.sync_folder(folder.parent)
        if is_in_another:
            self.sync_folder(folder.parent.parent)

    def sync_folder(self, path: StrPath) -> None:
        """See `FileSystem.sync_folder`."""
        folder = self._folder(path)
        self._step("sync_folder", path)
        folder.sync()

    def list_folder(self, path: StrPath) -> list[str]:
        """See `FileSystem.list_folder`."""
        self.alive()
        return sorted(self._folder(path).entries)

    def remove(self, path: StrPath) -> None:
        """See `FileSystem.remove`."""
        folder, name = self._place(path)
        if isinstance(self.disk.nodes[self._number(path)], Folder):
            raise system_error(errno.EISDIR, path)
        self._step("remove", path)
        folder.change(Naming(goes=(name,)))

    def rename(self, source: StrPath, target: StrPath) -> None:
        """See `FileSystem.rename`; within one folder, and no folders."""
        folder, old = self._place(source)
        other, new = self._place(target)
        if other is not folder:
            raise system_error(errno.EXDEV, source)
        number = self._number(source)
        if new in folder.entries and isinstance(self.disk.nodes[folder.entries[new]], Folder):
            raise system_error(errno.EISDIR, target)
        self._step("rename", target)
        if folder.entries.get(new) != number:  # rename(2): two names of one file stay as they are
            folder.change(Naming(goes=(old,), name=new, node=number))

    def exists(self, path: StrPath) -> bool:
        """See `FileSystem.exists`."""
        return self._found(path) is not None

    def is_folder(self, path: StrPath) -> bool:
        """See `FileSystem.is_folder`."""
        return isinstance(self._found(path), Folder)

    def size(self, path: StrPath) -> int:
        """See `FileSystem.size`."""
        node = self.disk.nodes[self._number(path)]
        return len(node.data) if isinstance(node, File) else 0

    def identity(self, path: StrPath) -> tuple[int, int]:
        """See `FileSystem.identity`."""
        return 1, self._number(path)

    def status(self, path: StrPath) -> FileStatus:
        """See `FileSystem.status`; there is no time and one name a file here."""
        node = self.disk.nodes[self._number(path)]
        regular = isinstance(node, File)
        return FileStatus(1, self._number(path), self.size(path), 0, 1, regular)

    def lock(self, path: StrPath) -> ModelLock:
        """See `FileSystem.lock`. Nobody waits here: who would, would wait for ever."""
        held = self.try_lock(path)
        if held is None:
            raise AssertionError(f"{path} is locked, and nobody runs who could release it")
        return held

    def try_lock(self, path: StrPath) -> ModelLock | None:
        """See `FileSystem.try_lock`."""
        self.alive()
        folder, name = self._place(path)
        if name not in folder.entries:
            self._create_name(path)
        number = self._number(path)
        if not isinstance(self.disk.nodes[number], File):
            raise EventsError(f"the lock file {path} is no regular file: remove it")
        if number in self.disk.locks:
            return None
        self.disk.locks[number] = self
        return ModelLock(self, number)

    # The steps

    def write(self, path: StrPath, file: File, data: bytes, offset: int | None = None) -> None:
        """Write to a file, at its end if not told where; where that is cut short, a part of it."""
        self.alive()  # else who is dead already would write that part again
        try:
            self._step("write", path)
        except (OSError, Crashed):
            if self.part and len(self.steps) in {self.crash_at, *self.fail_at}:
                part = data[: int(len(data) * self.part)]
                file.change(Write(len(file.data) if offset is None else offset, part))
            raise
        file.change(Write(len(file.data) if offset is None else offset, data))

    def sync(self, path: StrPath, file: File) -> None:
        """Bring a file's data to the disk."""
        try:
            self._step("sync", path)
        except OSError as error:
            if error.errno in SYNC_ERRORS:
                file.fail_sync()
            raise
        file.sync()

    def _create(self, path: StrPath, chunks: Iterable[bytes]) -> None:
        folder, name = self._place(path)
        if name in folder.entries:
            raise system_error(errno.EEXIST, path)
        self._create_name(path)
        file = self._writable(path)
        try:
            for chunk in chunks:
                self.write(path, file, chunk)
            self.sync(path, file)
        except BaseException:
            self.remove(path)
            raise

    def _create_name(self, path: StrPath) -> None:
        self._step("create", path)
        folder, name = self._place(path)
        folder.change(Naming(name=name, node=self.disk.add(File())))

    def _make_one_folder(self, path: Path) -> None:
        folder, name = self._place(path)
        if name in folder.entries:
            raise system_error(errno.EEXIST, path)
        self._step("mkdir", path)
        folder.change(Naming(name=name, node=self.disk.add(Folder())))

    def _step(self, operation: str, path: StrPath) -> None:
        self.alive()
        if self.before is not None:
            self.before(operation, Path(path).name)
            self.alive()
        self.steps.append((operation, Path(path).name))
        number = len(self.steps)
        if number == self.crash_at:
            self.kill()
            raise Crashed(f"before step {number}, {operation} of {path}")
        if number in self.fail_at:
            raise system_error(self.fail_at[number], path)

    def alive(self) -> None:
        """Go no further if this process is gone."""
        if self._dead:
            raise Crashed("this process is gone")

    # What stands at a path

    def _number(self, path: StrPath) -> int:
        self.alive()
        return self.disk.find(str(path))

    def _found(self, path: StrPath) -> File | Folder | None:
        try:
            return self.disk.nodes[self._number(path)]
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _place(self, path: StrPath) -> tuple[Folder, str]:
        """The folder that a path's name is in, and the name."""
        *before, name = parts(str(path))
        return self._folder("/" + "/".join(before)), name

    def _folder(self, path: StrPath) -> Folder:
        node = self.disk.nodes[self._number(path)]
        if not isinstance(node, Folder):
            raise system_error(errno.ENOTDIR, path)
        return node

    def _writable(self, path: StrPath) -> File:
        node = self.disk.nodes[self._number(path)]
        if not isinstance(node, File):
            raise system_error(errno.EISDIR, path)
        return node

    def _readable(self, path: StrPath) -> File:
        node = self.disk.nodes[self._number(path)]
        if not isinstance(node, File):
            raise EventsError(f"{path} is a folder: name a file")
        return node
