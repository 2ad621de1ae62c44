"""A snapshot: what every stream of a log adds up to, with how far each was read.

It is one value and one JSON object, so a view can never be ahead of, or behind, its positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from events.clock import format_timestamp
from projections.entry import FOLD_VERSION, LOOSE, Entry, entry_from_dict
from projections.errors import SnapshotError
from worker.stats import SyncStats

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEND = "make it anew from its log with 'syncstats rebuild'"
_INSTEAD = "give a stats.json, or a file made by 'syncstats replay --out'"
MAX_BYTES = 256 << 20
"""No snapshot is larger: 10,000 streams with busy histograms are 50 MB."""
SCHEMA = 1
"""The version of the file's layout."""


@dataclass(frozen=True)
class Snapshot:
    """A map from stream to entry. Its totals are the merge over the streams.

    Attributes:
        streams: The entries by stream name; lines without a stream are under ``""``.
    """

    streams: Mapping[str, Entry]

    @staticmethod
    def empty() -> Snapshot:
        """A snapshot of nothing: the identity of join."""
        return Snapshot({})

    def total(self) -> SyncStats:
        """The stats of all streams together."""
        return SyncStats.merge_all(entry.stats for entry in self.streams.values())

    @property
    def invalid_lines(self) -> int:
        """Lines that could not be believed."""
        return sum(entry.invalid_lines for entry in self.streams.values())

    @property
    def duplicates(self) -> int:
        """Lines that were seen again."""
        return sum(entry.duplicates for entry in self.streams.values())

    @property
    def gaps(self) -> int:
        """Runs of missing lines, over all streams."""
        return sum(len(entry.gaps) for name, entry in self.streams.items() if name != LOOSE)

    @property
    def as_of_us(self) -> int | None:
        """The newest outcome's timestamp in microseconds since 1970; None without outcomes."""
        moments = [e.as_of_us for e in self.streams.values() if e.as_of_us is not None]
        return max(moments, default=None)

    def head(self) -> dict[str, Any]:
        """All of ``stats.json`` but its streams."""
        return {
            **self.total().to_dict(),
            "as_of": None if self.as_of_us is None else format_timestamp(self.as_of_us),
            "schema": SCHEMA,
            "fold": FOLD_VERSION,
            "invalid_lines": self.invalid_lines,
            "duplicates": self.duplicates,
            "gaps": self.gaps,
        }

    def to_dict(self) -> dict[str, Any]:
        """The whole of ``stats.json``."""
        return {**self.head(), "streams": {name: e.to_dict() for name, e in self._sorted()}}

    def to_bytes(self, encoded: Mapping[str, bytes] | None = None) -> bytes:
        """``stats.json`` as bytes: the same for the same content, whatever the order of reading.

        Args:
            encoded: Entries that were encoded before, by stream; spares their encoding.
        """
        known = encoded or {}
        streams = {
            name: orjson.Fragment(known.get(name) or entry.to_bytes())
            for name, entry in self._sorted()
        }
        return orjson.dumps({**self.head(), "streams": streams}) + b"\n"

    def _sorted(self) -> list[tuple[str, Entry]]:
        return sorted(self.streams.items())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return dict(self.streams) == dict(other.streams)

    __hash__ = None  # type: ignore[assignment]  # holds a mapping


def read_snapshot(file: BinaryIO, where: str) -> bytes:
    """Read a snapshot's bytes, in bounded memory.

    Raises:
        SnapshotError: It is larger than any snapshot.
    """
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SnapshotError(f"{where} is no snapshot: it is larger than {MAX_BYTES >> 20} MiB")
    return data


def parse_snapshot(
    data: bytes, where: str, *, mend: str = _MEND, instead: str = _INSTEAD
) -> Snapshot:
    """Read what ``Snapshot.to_bytes`` wrote; what else stands in the file is not looked at.

    Args:
        data: The file's bytes.
        where: The file's name, for messages.
        mend: What is to be done about a damaged one, for messages.
        instead: What is to be done about what is none, for messages.

    Raises:
        SnapshotError: It is no snapshot, damaged, or of another version.
    """
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise SnapshotError(f"{where} is damaged (no JSON: {error}); {mend}") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("streams"), dict):
        raise SnapshotError(f"{where} is no snapshot of a log (it has no 'streams'); {instead}")
    for key, mine in (("schema", SCHEMA), ("fold", FOLD_VERSION)):
        version = raw.get(key)
        if type(version) is not int or version != mine:
            raise SnapshotError(
                f"{where} has {key} version {version!r}, this program reads {mine}; {mend}"
            )
    try:
        snapshot = Snapshot({n: entry_from_dict(n, e) for n, e in raw["streams"].items()})
    except SnapshotError as error:
        raise SnapshotError(f"{where}: {error}; {mend}") from error
    totals = snapshot.head()
    for key, value in totals.items():
        if key not in raw or raw[key] != value:
            raise SnapshotError(
                f"{where} is damaged: {key!r} is not the sum of its streams; {mend}"
            )
    return snapshot
