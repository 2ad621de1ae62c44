"""The state file: what was read adds up to, and how far that was, in one file.

It has the layout of ``stats.json`` and one key more, ``ingest``. So what was counted and where to
go on can never contradict each other, and `syncstats merge` takes it as it is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from events.clock import format_timestamp
from events.errors import EventsError
from events.follow.fingerprint import TAIL_BYTES
from events.follow.record import FileRecord  # noqa: TC001  # msgspec resolves the annotations
from projections.entry import Entry, entry_from_dict
from projections.errors import SaveError, SnapshotError, StateError
from projections.snapshot import Snapshot, parse_snapshot, read_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from events.clock import Clock
    from events.filesystem import FileSystem, Lock

VERSION = 1
"""The version of the key ``ingest``."""
_KEY = "ingest"
_MOST_US = 1 << 62
MEND = (
    "bring it back from a backup, or begin anew with --new-state, which keeps it under another name"
)
"""What is to be done about a damaged state."""


class LogState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of one log.

    Attributes:
        format: The name of its format.
        wrapping: What has wrapped its lines, if anything.
        key: Which format exactly, see `projections.intake.Format.key`.
        waiting: The state of its intake, which waits for further lines; None if nothing waits.
    """

    format: str
    wrapping: str | None = None
    key: str = ""
    waiting: Any = None


@dataclass(frozen=True)
class State:
    """A state, as it stands in its file.

    Attributes:
        stream: The stream under which lines without stream and seq count, made with the state.
        entries: What all adds up to, with what waits for other lines as it stands.
        settled: The entry of ``stream`` without what waits; None where nothing does.
        files: What was read of which file.
        logs: What is kept of each log, by its key.
        searched_us: When files were last searched for, in microseconds since 1970; None: not known.
    """

    stream: str
    entries: Mapping[str, Entry] = field(default_factory=dict)
    settled: Entry | None = None
    files: tuple[FileRecord, ...] = ()
    logs: Mapping[str, LogState] = field(default_factory=dict)
    searched_us: int | None = None

    def to_bytes(self) -> bytes:
        """The file's bytes: the same for the same state."""
        ingest: dict[str, Any] = {
            "version": VERSION,
            "stream": self.stream,
            "files": msgspec.to_builtins(self.files),
            "logs": {log: msgspec.to_builtins(state) for log, state in sorted(self.logs.items())},
        }
        if self.settled is not None:
            ingest["settled"] = orjson.Fragment(self.settled.to_bytes())
        if self.searched_us is not None:
            ingest["searched_us"] = self.searched_us
        head = Snapshot(self.entries).to_bytes()[: -len(b"}\n")]
        return head + b"," + orjson.dumps({_KEY: ingest})[1:] + b"\n"


class _Ingest(msgspec.Struct):
    """The layout of the key ``ingest``, for strict reading."""

    version: int
    stream: str
    files: list[FileRecord]
    logs: dict[str, LogState]
    settled: dict[str, Any] | None = None
    searched_us: int | None = None


def parse_state(data: bytes, where: str) -> State:
    """Read what `State.to_bytes` wrote.

    Args:
        data: The file's bytes.
        where: The file's name, for messages.

    Raises:
        StateError: It is no state, damaged, or of another version.
    """
    try:
        snapshot = parse_snapshot(data, where, mend=MEND)
    except SnapshotError as error:
        raise StateError(str(error)) from error
    found = orjson.loads(data).get(_KEY)
    if found is None:
        raise StateError(
            f"{where} holds stats, but not where 'syncstats ingest' is to go on: name another file "
            "with --state"
        )
    version = found.get("version") if isinstance(found, dict) else None
    if type(version) is int and version > VERSION:
        raise StateError(
            f"{where} has version {version} of the state, this program reads {VERSION}: it was "
            f"written by a newer one; use that, or {MEND}"
        )
    try:
        raw = msgspec.convert(found, _Ingest)
        if raw.version != VERSION or not raw.stream:
            raise StateError(f"{where} is damaged: it has no version, or no stream; {MEND}")
        settled = None if raw.settled is None else entry_from_dict(raw.stream, raw.settled)
    except (msgspec.ValidationError, SnapshotError) as error:
        raise StateError(f"{where} is damaged: {error}; {MEND}") from error
    if any(file.offset < 0 or not 0 <= file.tail_length <= TAIL_BYTES for file in raw.files):
        raise StateError(f"{where} is damaged: a file was read to no place in it; {MEND}")
    if raw.searched_us is not None and not 0 <= raw.searched_us < _MOST_US:
        raise StateError(f"{where} is damaged: files were searched for at no time; {MEND}")
    entry = snapshot.streams.get(raw.stream)
    if settled is not None and (entry is None or settled.seen != entry.seen):
        raise StateError(f"{where} is damaged: what waits is not of what was read; {MEND}")
    return State(
        stream=raw.stream,
        entries=snapshot.streams,
        settled=settled,
        files=tuple(raw.files),
        logs=raw.logs,
        searched_us=raw.searched_us,
    )


class StateStore:
    """Reads and atomically replaces one state file; only who holds its lock writes.

    Args:
        path: The file; where it is a link, the file that it leads to.
        fs: Where it is.
        clock: Names what is kept aside.
    """

    def __init__(self, path: Path, *, fs: FileSystem, clock: Clock) -> None:
        self.path = Path(os.path.realpath(path)) if path.is_symlink() else path
        self._fs = fs
        self._clock = clock

    def lock(self) -> Lock:
        """Take the right to write the file, for as long as this process goes on with it.

        Raises:
            StateError: Another process has it, or it is no name of a file.
        """
        if not self.path.name:
            raise StateError(f"{str(self.path)!r} is no name of a file: name one with --state")
        held = self._fs.try_lock(self.path.with_name(f"{self.path.name}.lock"))
        if held is None:
            raise StateError(
                f"another 'syncstats ingest' keeps {self.path}: let it go on, or name another file "
                "with --state"
            )
        return held

    def load(self) -> State | None:
        """The state; None where there is no file yet, or an empty one.

        Raises:
            StateError: It is no state, damaged, or of another version.
            OSError: It cannot be read; that says nothing of what it holds.
        """
        try:
            with self._fs.open_read(self.path) as file:
                data = read_snapshot(file, str(self.path))
        except FileNotFoundError:
            return None
        except EventsError as error:  # a folder, a pipe
            raise StateError(f"{error} with --state") from error
        except SnapshotError as error:
            raise StateError(str(error)) from error
        return parse_state(data, str(self.path)) if data else None

    def set_aside(self) -> Path:
        """Keep what stands there under another name, ``FILE.corrupt-<time>``; give that."""
        stamp = format_timestamp(self._clock.now_us()).replace(":", "")
        name = f"{self.path.name}.corrupt-{stamp}"
        taken = set(self._fs.list_folder(self.path.parent))
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        aside = self.path.with_name(next(each for each in names if each not in taken))
        self._fs.rename(self.path, aside)
        self._fs.sync_folder(self.path.parent)
        return aside

    def save(self, data: bytes) -> None:
        """Put a state in the file's place, durably, all or nothing; its mode follows the umask.

        Raises:
            SaveError: It cannot be written; what stood there stands.
        """
        try:
            self._fs.replace_file(self.path, data)
        except OSError as error:
            raise SaveError(f"{self.path} cannot be saved: {error.strerror or error}") from error
