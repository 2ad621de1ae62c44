"""A disk in memory with two layers: what processes see, and what a power cut leaves.

What reaches the durable layer, and when, is as weak as the file systems that we run on allow:

- A write or a change of size is durable after a sync of that file. Until then any beginning of what
  was done to the file since may be on the disk, the last write of it cut at any byte; and the file
  may already be as long as all of it was, with zeros where nothing arrived (metadata before data).
- A file made, renamed or removed is durable after a sync of its folder, and only then: a sync of
  the file does not bring its name (ext4 and btrfs do that, POSIX does not ask for it). Until then
  any set of a folder's changes may be there in which what touches one name is in its order. A
  rename is one change: both names or neither.
- A sync that fails leaves its pages marked clean: processes go on seeing them, and the next sync
  of the file succeeds without them. Each page is on the disk or not, and never will be surer;
  behind a page that is not, what later syncs brought stands after zeros. (Linux since 4.13; see
  "Can Applications Recover from fsync Failures?", USENIX ATC 2020.)
- A folder's sync that fails leaves its changes as they were, to be brought by the next: journals
  stop for good instead, so what comes after such a failure is not worse than this.

There are no links and no modes here, since nothing in the protocol makes a link or asks for a mode.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.crash_choices import Decider

PAGE_BYTES = 256
"""What is lost or kept as one when a sync fails; smaller than any real page, so more is torn."""
ROOT = 0


class Change(Protocol):
    """Something done to a file's content."""

    def apply(self, content: bytes) -> bytes:
        """The content after it."""
        ...


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes put at an offset; what lies between the end and there becomes zeros."""

    offset: int
    data: bytes

    def apply(self, content: bytes) -> bytes:
        """The content after it."""
        content = content.ljust(self.offset, b"\0")
        end = self.offset + len(self.data)
        return content[: self.offset] + self.data + content[end:]


@dataclass(frozen=True, slots=True)
class Resize:
    """The file cut, or made longer with zeros."""

    size: int

    def apply(self, content: bytes) -> bytes:
        """The content after it."""
        return content[: self.size].ljust(self.size, b"\0")


@dataclass(slots=True)
class File:
    """A file's content in both layers.

    Attributes:
        data: What processes see.
        durable: What is on the disk for certain, up to the first doubt.
        doubtful: What followed the first failed sync, each with whether it is certain.
        pending: What was done since the last sync.
    """

    data: bytes = b""
    durable: bytes = b""
    doubtful: list[tuple[Change, bool]] = field(default_factory=list)
    pending: list[Change] = field(default_factory=list)

    def change(self, change: Change) -> None:
        """Do it, for processes; the disk may hear of it."""
        if isinstance(change, Write) and not change.data:
            return
        self.data = change.apply(self.data)
        self.pending.append(change)

    def sync(self) -> None:
        """Bring what is pending to the disk."""
        if self.doubtful:
            self.doubtful += [(change, True) for change in self.pending]
        else:
            for change in self.pending:
                self.durable = change.apply(self.durable)
        self.pending = []

    def fail_sync(self) -> None:
        """Forget that anything is pending, though nobody knows what of it is on the disk."""
        self.doubtful += [(change, False) for change in self.pending]
        self.pending = []

    def after_power_cut(self, decide: Decider) -> bytes:
        """What the disk has."""
        content = self.durable
        for change, is_certain in self.doubtful:
            content = change.apply(content) if is_certain else _in_doubt(change, content, decide)
        return self._with_pending(content, decide)

    def _with_pending(self, content: bytes, decide: Decider) -> bytes:
        arrived = decide.pick(range(len(self.pending) + 1))
        for change in self.pending[:arrived]:
            content = change.apply(content)
        if arrived == len(self.pending):
            return content
        torn = self.pending[arrived]
        if isinstance(torn, Write):
            cut = decide.pick(_cuts(torn.data), among=range(len(torn.data)))
            content = replace(torn, data=torn.data[:cut]).apply(content) if cut else content
            if len(content) < len(self.data) and decide.pick(range(2)):
                content = content.ljust(len(self.data), b"\0")
        return content

    def copy(self) -> File:
        """A file of its own, equal to this one."""
        return File(self.data, self.durable, [*self.doubtful], [*self.pending])


def _in_doubt(change: Change, content: bytes, decide: Decider) -> bytes:
    """The content after a change whose sync failed: each page is there, or zeros, or nothing."""
    if not isinstance(change, Write):
        return change.apply(content) if decide.pick(range(2)) else content
    for begin in range(0, len(change.data), PAGE_BYTES):
        page = Write(change.offset + begin, change.data[begin : begin + PAGE_BYTES])
        fate = decide.pick(range(3))
        if fate == 1:
            content = content.ljust(page.offset + len(page.data), b"\0")
        elif fate == 2:
            content = page.apply(content)
    return content


def _cuts(data: bytes) -> list[int]:
    """Places at which a write of lines may be cut that differ in what is left."""
    cuts = {0, 1, len(data) // 2, len(data) - 1}
    newline = data.find(b"\n")
    while newline >= 0:
        cuts |= {newline, newline + 1, newline + 2}
        newline = data.find(b"\n", newline + 1)
    return sorted(cut for cut in cuts if 0 <= cut < len(data))


@dataclass(frozen=True, slots=True)
class Naming:
    """A change of one folder: names that go, and one that is given to a node."""

    goes: tuple[str, ...] = ()
    name: str | None = None
    node: int = -1

    @property
    def touched(self) -> set[str]:
        """The names that it is about."""
        return {*self.goes} | ({self.name} if self.name is not None else set())

    def apply(self, entries: dict[str, int]) -> None:
        """Change the entries."""
        for name in self.goes:
            entries.pop(name, None)
        if self.name is not None:
            entries[self.name] = self.node


@dataclass(slots=True)
class Folder:
    """A folder's names in both layers."""

    entries: dict[str, int] = field(default_factory=dict)
    durable: dict[str, int] = field(default_factory=dict)
    pending: list[Naming] = field(default_factory=list)

    def change(self, naming: Naming) -> None:
        """Do it, for processes; the disk may hear of it."""
        naming.apply(self.entries)
        self.pending.append(naming)

    def sync(self) -> None:
        """Bring the names to the disk."""
        self.durable = dict(self.entries)
        self.pending = []

    def after_power_cut(self, decide: Decider) -> dict[str, int]:
        """What the disk has."""
        entries = dict(self.durable)
        missing: set[str] = set()
        for naming in self.pending:
            if naming.touched & missing or not decide.pick(range(2)):
                missing |= naming.touched
            else:
                naming.apply(entries)
        return entries

    def copy(self) -> Folder:
        """A folder of its own, equal to this one."""
        return Folder(dict(self.entries), dict(self.durable), [*self.pending])


class ModelDisk:
    """Files and folders by number, from the root folder on, and who holds which lock."""

    def __init__(self) -> None:
        self.nodes: dict[int, File | Folder] = {ROOT: Folder()}
        self.locks: dict[int, object] = {}
        self._made = ROOT

    def add(self, node: File | Folder) -> int:
        """Give a node a number of its own."""
        self._made += 1
        self.nodes[self._made] = node
        return self._made

    def temporary_name(self) -> str:
        """A name that nothing has, as `events.filesystem.real` makes them by chance."""
        self._made += 1
        return f".syncstats-{self._made:016x}.tmp"

    def find(self, path: str) -> int:
        """The number of what stands at a path.

        Raises:
            OSError: Nothing does, or a part of the way is no folder.
        """
        number = ROOT
        for name in parts(path):
            folder = self.nodes[number]
            if not isinstance(folder, Folder):
                raise system_error(errno.ENOTDIR, path)
            if name not in folder.entries:
                raise system_error(errno.ENOENT, path)
            number = folder.entries[name]
        return number

    def walk(self) -> Iterator[tuple[str, File | Folder]]:
        """Every path that processes see, with what stands there; the root is ``""``."""
        waiting = [("", ROOT)]
        while waiting:
            path, number = waiting.pop()
            node = self.nodes[number]
            yield path, node
            if isinstance(node, Folder):
                waiting += [(f"{path}/{name}", inner) for name, inner in node.entries.items()]

    def content(self) -> dict[str, bytes | None]:
        """All that processes see: a file's bytes by its path, None for a folder."""
        return {path: node.data if isinstance(node, File) else None for path, node in self.walk()}

    def key(self) -> object:
        """Equal for disks that look alike to processes, and hold the same for certain."""
        return frozenset(
            (path, node.data, node.durable, len(node.pending))
            if isinstance(node, File)
            else (path, frozenset(node.durable), len(node.pending))
            for path, node in self.walk()
        )

    def copy(self) -> ModelDisk:
        """The same disk after all processes were killed: both layers, and no locks."""
        copy = ModelDisk()
        copy.nodes = {number: node.copy() for number, node in self.nodes.items()}
        copy._made = self._made
        return copy

    def after_power_cut(self, decide: Decider) -> ModelDisk:
        """The disk as a reboot finds it, where what is not certain went as ``decide`` says."""
        left = ModelDisk()
        left._made = self._made
        waiting = [ROOT]
        while waiting:
            number = waiting.pop()
            node = self.nodes[number]
            if isinstance(node, File):
                content = node.after_power_cut(decide)
                left.nodes[number] = File(content, content)
            else:
                entries = node.after_power_cut(decide)
                left.nodes[number] = Folder(dict(entries), entries)
                waiting += [inner for _, inner in sorted(entries.items(), reverse=True)]
        return left


def parts(path: str) -> Sequence[str]:
    """The names that lead to an absolute path."""
    return [part for part in os.path.normpath(path).split("/") if part]


def system_error(code: int, path: object) -> OSError:
    """The error that the system raises."""
    return OSError(code, os.strerror(code), str(path))
