"""The state file: what was read adds up to, and how far that was, in one file.

It has the layout of ``stats.json`` and one key more, ``ingest``. So what was counted and where to
go on can never contradict each other, and `syncstats merge` takes it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from events.follow.fingerprint import TAIL_BYTES
from events.follow.record import FileRecord  # noqa: TC001  # msgspec resolves the annotations
from events.formats.names import WRAPPINGS
from projections.entry import Entry, entry_from_dict
from projections.errors import SnapshotError, StateError
from projections.snapshot import Snapshot, parse_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VERSION = 1
"""The version of the key ``ingest``."""
_KEY = "ingest"
_MOST_US = 1 << 62
_PARTS = frozenset({"unwrapper", "translator"})  # of what waits, see `Intake.state`
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
    waiting: dict[str, Any] | None = None


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
        found = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise StateError(f"{where} is damaged (no JSON: {error}); {MEND}") from error
    if not isinstance(found, dict) or not isinstance(found.get("streams"), dict):
        raise StateError(
            f"{where} is no state of 'syncstats ingest' (it has no 'streams'): name another file "
            f"with --state, or {MEND}"
        )
    try:
        snapshot = parse_snapshot(data, where, mend=MEND)
    except SnapshotError as error:
        raise StateError(str(error)) from error
    ingest = found.get(_KEY)
    if ingest is None:
        raise StateError(
            f"{where} holds stats, but not where 'syncstats ingest' is to go on: name another file "
            "with --state"
        )
    version = ingest.get("version") if isinstance(ingest, dict) else None
    if type(version) is int and version > VERSION:
        raise StateError(
            f"{where} has version {version} of the state, this program reads {VERSION}: it was "
            f"written by a newer one; use that, or {MEND}"
        )
    try:
        raw = msgspec.convert(ingest, _Ingest)
        settled = None if raw.settled is None else entry_from_dict(raw.stream, raw.settled)
    except (msgspec.ValidationError, SnapshotError) as error:
        raise StateError(f"{where} is damaged: {error}; {MEND}") from error
    flaw = next(_flaws(raw, settled, snapshot.streams.get(raw.stream)), None)
    if flaw is not None:
        raise StateError(f"{where} is damaged: {flaw}; {MEND}")
    return State(
        stream=raw.stream,
        entries=snapshot.streams,
        settled=settled,
        files=tuple(raw.files),
        logs=raw.logs,
        searched_us=raw.searched_us,
    )


def _flaws(raw: _Ingest, settled: Entry | None, entry: Entry | None) -> Iterator[str]:
    """What no ingestion saves."""
    if raw.version != VERSION or not raw.stream:
        yield "it has no version, or no stream"
    if not all(map(_is_place, raw.files)):
        yield "a file was read to no place in it"
    if raw.searched_us is not None and not 0 <= raw.searched_us < _MOST_US:
        yield "files were searched for at no time"
    for log, kept in raw.logs.items():
        if kept.wrapping not in {None, *WRAPPINGS}:
            yield f"{log} is wrapped by {kept.wrapping!r}, which is nothing that wraps"
        parts = kept.waiting or {}
        if not _PARTS.issuperset(parts) or ("unwrapper" in parts and kept.wrapping is None):
            yield f"what waits in {log} is of no format"
    if settled is not None:
        if entry is None or settled.seen != entry.seen:
            yield "what waits is not of what was read"
        if not any(kept.waiting for kept in raw.logs.values()):
            yield "what waits in no log is not counted yet"


def _is_place(file: FileRecord) -> bool:
    return 0 <= file.tail_length <= min(file.offset, TAIL_BYTES)
