"""What a power cut could leave on the disk, for each moment of a record of system calls.

The rules are those of POSIX, without what single file systems promise beyond them. What a sync of
a file that succeeded had before it is on the disk; of what was written to it since, any part may
be. Names made, renamed and removed are on the disk after a sync of their folder; of those since,
any subset may be, whatever became of the file's data.

SQLite's files, and lock files, are taken as they are at the moment, with all that was written to
them: SQLite's own syncs are SQLite's to test. For our log that is the hardest case, since the queue
has then seen all that it was ever told.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from random import Random

    from tests.support.strace import Call, Event

_SECTOR = 512
_PAGE = 4096
_FOLDER = -1

T = TypeVar("T")


@dataclass(frozen=True)
class DiskState:
    """What a reboot finds.

    Attributes:
        after: How many events had happened.
        files: Each file's content, by its path.
        folders: All folders but the first.
        has_hole: Whether some file lacks data before data that it has.
    """

    after: int
    files: Mapping[str, bytes]
    folders: frozenset[str]
    has_hole: bool

    def build(self, folder: Path) -> None:
        """Make the folder as the reboot finds it."""
        folder.mkdir()
        for path in sorted(self.folders):
            (folder / path).mkdir(mode=0o700)
        for path, data in self.files.items():
            (folder / path).write_bytes(data)
            (folder / path).chmod(0o600)


@dataclass
class _Change:
    """A change of a file's data or of a folder's names that may not be on the disk."""

    number: int
    call: Call
    node: int
    offset: int = 0
    ended: bool = False


@dataclass
class _Node:
    durable: bytes = b""
    pending: list[_Change] = field(default_factory=list)
    size: int = 0  # as processes see it


@dataclass(frozen=True)
class _Kept:
    """What of a change is on the disk: pieces, each at its offset."""

    pieces: tuple[tuple[int, bytes], ...]
    is_whole: bool = False
    has_hole: bool = False
    cut_to: int | None = None


_NOTHING = _Kept(())


class Disk:
    """Follows a record, and tells at each moment what the disk may hold.

    Args:
        before: The files that were there, all on the disk; a folder's content is None.
    """

    def __init__(self, before: Mapping[str, bytes | None]) -> None:
        self._nodes: list[_Node] = []
        self._names: dict[str, int] = {}  # as processes see them
        for path, data in before.items():
            self._names[path] = _FOLDER if data is None else self._add(data)
        self._durable = dict(self._names)
        self._renamed: list[_Change] = []
        self._syncs: dict[int, list[_Change]] = {}
        self._events = 0

    def _add(self, data: bytes = b"") -> int:
        self._nodes.append(_Node(data, size=len(data)))
        return len(self._nodes) - 1

    def step(self, event: Event) -> None:
        """Let an event happen."""
        self._events += 1
        if event.begins:
            self._begin(event.number, event.call)
        if event.ends:
            self._end(event.number, event.call)

    def _begin(self, number: int, call: Call) -> None:
        match call.name:
            case "sync":
                node = self._names.get(call.path, _FOLDER)
                waiting = (
                    self._nodes[node].pending
                    if node >= 0
                    else [c for c in self._renamed if _parent(c.call.path) == call.path]
                )
                self._syncs[number] = [change for change in waiting if change.ended]
            case "write" | "truncate":
                self._change_data(number, call)
            case _:
                self._change_names(number, call)

    def _change_data(self, number: int, call: Call) -> None:
        node = self._nodes[self._names[call.path]]
        offset = node.size if call.offset is None else call.offset
        node.size = offset if call.name == "truncate" else max(node.size, offset + len(call.data))
        change = _Change(number, call, self._names[call.path], offset)
        if _is_taken_as_it_is(call.path):
            node.durable = _applied(node.durable, [_whole(change)])
        else:
            node.pending.append(change)

    def _change_names(self, number: int, call: Call) -> None:
        if call.name == "make" and call.path in self._names:
            return
        if call.name == "make":
            node = self._add()
        else:
            node = _FOLDER if call.name == "folder" else self._names[call.path]
        change = _Change(number, call, node)
        _rename(self._names, change)
        if _is_taken_as_it_is(call.path):
            _rename(self._durable, change)
        else:
            self._renamed.append(change)

    def _end(self, number: int, call: Call) -> None:
        if call.name != "sync":
            for change in (*self._renamed, *(c for n in self._nodes for c in n.pending)):
                if change.number == number:
                    change.ended = True
            return
        for change in self._syncs.pop(number):
            if change in self._renamed:
                self._renamed.remove(change)
                _rename(self._durable, change)
            elif change in (pending := self._nodes[change.node].pending):
                pending.remove(change)
                node = self._nodes[change.node]
                node.durable = _applied(node.durable, [_whole(change)])

    def states(self, rng: Random, most: int) -> Iterator[DiskState]:
        """The states that the disk may be in now; of very many, some by chance.

        With nothing of what is not synced, and with all of it, are always among them.
        """
        subsets = list(_subsets(self._renamed, rng, most))
        for changes in subsets:
            names = dict(self._durable)
            for change in changes:
                _rename(names, change)
            names = {path: node for path, node in names.items() if _is_reachable(path, names)}
            open_nodes = sorted({n for n in names.values() if n >= 0 and self._nodes[n].pending})
            pending = [change for node in open_nodes for change in self._nodes[node].pending]
            ways = [_ways(change, len(self._nodes[change.node].durable), rng) for change in pending]
            for choice in _choices(ways, rng, max(most // len(subsets), 2)):
                yield self._state(names, dict(zip(map(id, pending), choice, strict=True)))

    def _state(self, names: Mapping[str, int], kept: Mapping[int, _Kept]) -> DiskState:
        files = {}
        has_hole = False
        for path, number in names.items():
            if number == _FOLDER or path.endswith("-shm"):  # shared memory does not outlive a boot
                continue
            node = self._nodes[number]
            parts = [kept[id(change)] for change in node.pending]
            files[path] = _applied(node.durable, parts)
            lost = False
            for part in parts:
                has_hole |= part.has_hole or (lost and part is not _NOTHING)
                lost |= not part.is_whole
        folders = frozenset(path for path, node in names.items() if node == _FOLDER)
        return DiskState(self._events, files, folders, has_hole)


def states_of(
    events: Sequence[Event],
    before: Mapping[str, bytes | None],
    rng: Random,
    *,
    most_a_moment: int = 16,
) -> Iterator[DiskState]:
    """All states of all moments of a record, each only once."""
    disk = Disk(before)
    seen: set[int] = set()
    for event in events:
        disk.step(event)
        for state in disk.states(rng, most_a_moment):
            key = hash((frozenset(state.files.items()), state.folders))
            if key not in seen:
                seen.add(key)
                yield state


def sampled(states: Iterable[DiskState], rng: Random, most: int) -> list[DiskState]:
    """At most so many of them, in their order, by chance."""
    every = list(states)
    chosen = sorted(rng.sample(range(len(every)), min(most, len(every))))
    return [every[number] for number in chosen]


def content_of(folder: Path) -> dict[str, bytes | None]:
    """What lies in a folder, as `Disk` takes it."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def _is_taken_as_it_is(path: str) -> bool:
    name = Path(path).name
    return name.endswith((".db", ".db-wal", ".db-journal", ".db-shm", ".lock")) or name == "lock"


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _is_reachable(path: str, names: Mapping[str, int]) -> bool:
    above = _parent(path)
    return not above or (names.get(above) == _FOLDER and _is_reachable(above, names))


def _rename(names: dict[str, int], change: _Change) -> None:
    call = change.call
    if call.name in {"unlink", "rename"}:
        names.pop(call.path, None)
    if call.name != "unlink":
        names[call.target or call.path] = change.node


def _whole(change: _Change) -> _Kept:
    if change.call.name == "truncate":
        return _Kept((), is_whole=True, cut_to=change.offset)
    return _Kept(((change.offset, change.call.data),), is_whole=True)


def _ways(change: _Change, size: int, rng: Random) -> list[_Kept]:
    """What of a change may be on the disk: nothing, all, and some of what lies between.

    Args:
        change: What was done.
        size: How much of the file is on the disk: what is written over stays, or is replaced.
        rng: Chooses.
    """
    whole = _whole(change)
    if change.call.name == "truncate":
        return [_NOTHING, whole]
    data, offset = change.call.data, change.offset
    end = offset + len(data)
    begin = max(offset, size)
    empty = _Kept(((begin, bytes(end - begin)),)) if begin < end else _NOTHING
    ways = [_NOTHING, whole, empty]  # empty: the size, and no data
    sectors = range(offset // _SECTOR * _SECTOR + _SECTOR, end, _SECTOR)
    cuts = {*rng.sample(sectors, min(2, len(sectors))), rng.randrange(offset, end)} - {offset}
    ways += [_Kept(((offset, data[: cut - offset]),)) for cut in sorted(cuts)]
    page = offset // _PAGE * _PAGE + _PAGE
    if page < end:  # the first page is lost, the others are there
        ways.append(_Kept(((page, data[page - offset :]),), has_hole=True))
    return ways


def _applied(data: bytes, parts: Iterable[_Kept]) -> bytes:
    content = bytearray(data)
    for part in parts:
        if part.cut_to is not None:
            del content[part.cut_to :]
            content.extend(bytes(part.cut_to - len(content)))
        for offset, piece in part.pieces:
            content.extend(bytes(max(offset - len(content), 0)))
            content[offset : offset + len(piece)] = piece
    return bytes(content)


def _subsets(changes: Sequence[_Change], rng: Random, most: int) -> Iterator[list[_Change]]:
    both = [[False, True]] * len(changes)
    for choice in _choices(both, rng, most):
        yield list(itertools.compress(changes, choice))


def _choices(ways: Sequence[Sequence[T]], rng: Random, most: int) -> Iterator[tuple[T, ...]]:
    """One of each; the first and the second of all always, then all, or some by chance."""
    yield tuple(way[0] for way in ways)
    if not ways:
        return
    yield tuple(way[1] for way in ways)
    if math.prod(map(len, ways)) <= most:
        yield from itertools.product(*ways)
        return
    for _ in range(most - 2):
        yield tuple(rng.choice(way) for way in ways)
