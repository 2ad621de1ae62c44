"""Stats in a JSON file that many objects, threads and processes add to.

The file has the layout of ``SyncStats.to_dict``, one field a line, and a random ``file_id`` by
which an object knows it again wherever it is moved. A plain file of nine fields, as other programs
write it, has none and gets none: it is known by its path. A file's copy is taken for the same file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from events.clock import Clock, SystemClock, format_timestamp
from events.errors import EventsError
from events.filesystem import REAL, FileSystem
from worker.errors import StatsError
from worker.messages import warn
from worker.stats import SyncStats
from worker.stats_layout import Damage, read_fields

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 256 << 20
"""No stats are larger, a projection's of 10,000 streams neither: what is, is not read."""

_ID_KEY = "file_id"
_PROJECTION_KEY = "streams"


@dataclasses.dataclass(frozen=True, slots=True)
class Contents:
    """What a stats file holds.

    Attributes:
        stats: Its sums.
        file_id: Its random id; None for a plain file.
    """

    stats: SyncStats
    file_id: str | None


def new_file_id() -> str:
    """Make an id that no other file has: 128 random bits."""
    return os.urandom(16).hex()


def load(filepath: str | os.PathLike[str], *, fs: FileSystem = REAL) -> SyncStats:
    """Read stats from a file, a projection's ``stats.json`` too; nothing is half believed.

    The object knows that all of it is in that file: saved there again, it adds what was recorded
    since.

    Args:
        filepath: The file. Missing or empty: fresh stats. Unreadable, damaged, or holding what
            cannot be: fresh stats, and a structlog warning that names file and field.
        fs: The file system.
    """
    path = _real(filepath)
    try:
        document = _read_document(path, fs)
    except (OSError, EventsError) as error:
        document = Damage("", str(error))
    contents = _read_contents(document) if isinstance(document, dict) else document
    if contents is None:
        return SyncStats()
    if isinstance(contents, Damage):
        warn(
            "stats_file_damaged",
            file=str(path),
            field=contents.field,
            reason=contents.reason,
            consequence="nothing of it is used, counting starts afresh",
        )
        return SyncStats()
    loaded = contents.stats.copy()
    if isinstance(document, dict) and "session_start" not in document:
        loaded.session_start = SyncStats().session_start
    loaded.stored[_key(path, contents.file_id)] = contents.stats
    return loaded


def save(
    stats: SyncStats,
    filepath: str | os.PathLike[str],
    *,
    fs: FileSystem = REAL,
    clock: Clock | None = None,
    file_id: Callable[[], str] = new_file_id,
) -> None:
    """Add to a file what of ``stats`` is not in it yet; a second time, nothing.

    The file is replaced atomically and durably, under a lock between processes and threads (the
    file ``.<name>.lock`` beside it, which stays). The earliest ``session_start`` is kept. A
    missing, empty or damaged file is made anew with all that ``stats`` holds.

    Args:
        stats: Its counts are not changed; it learns what is in the file now.
        filepath: The file; missing parent folders are made, a symbolic link is followed. A damaged
            one is kept beside it as ``<name>.corrupt-<time>``.
        fs: The file system.
        clock: Tells the time for the name of a damaged file.
        file_id: Makes the id of a new file.

    Raises:
        StatsError: The file belongs to a projection, or the numbers cannot be (an attribute was
            set to what no stats can hold). Nothing is changed.
        EventsError: The file is none (a folder, a device), or no lock can be had.
        OSError: The system refused. The file is as it was, or, if only the sync of its folder
            failed, it holds the new stats, and ``stats`` knows that.
    """
    path = _real(filepath)
    _encode(stats, path)
    with contextlib.suppress(OSError):  # before anything is made beside a file that is refused
        _refuse_projection(path, _read_document(path, fs))
    fs.make_folder(path.parent, 0o777)
    with fs.lock(path.with_name(f".{path.name}.lock")):
        contents = _contents_to_add_to(path, fs, clock or SystemClock())
        if contents is None:
            # A file that was known by its path only is gone.
            stats.stored.pop(_key(path, None), None)
        target = contents or Contents(SyncStats.zero(), file_id())
        key = _key(path, target.file_id)
        now = dataclasses.replace(stats, _stored=None)
        known = stats.stored.get(key)
        total = target.stats.merge(now if known is None else now.minus(known))
        if contents is None or total != contents.stats:
            data = _encode(total, path, target.file_id)
            try:
                fs.replace_file(path, data, _mode(path))
            except BaseException:
                # Past the rename it is in the file, and must not be added again.
                if _holds(path, data, fs):
                    stats.stored[key] = now
                raise
        stats.stored[key] = now


def _contents_to_add_to(path: Path, fs: FileSystem, clock: Clock) -> Contents | None:
    """Read the file; a damaged one is moved aside, and is as none."""
    try:
        document = _read_document(path, fs)
    except PermissionError as error:
        document = Damage("", str(error))
    _refuse_projection(path, document)
    contents = _read_contents(document) if isinstance(document, dict) else document
    if not isinstance(contents, Damage):
        return contents
    kept = path.with_name(_free_name(path, fs, format_timestamp(clock.now_us()).replace(":", "")))
    fs.rename(path, kept)
    warn(
        "stats_file_damaged",
        file=str(path),
        field=contents.field,
        reason=contents.reason,
        kept_as=str(kept),
        consequence="a new file is begun",
    )
    return None


def _free_name(path: Path, fs: FileSystem, moment: str) -> str:
    """A name for a damaged file that nothing has yet."""
    name = wanted = f"{path.name}.corrupt-{moment}"
    number = 1
    while fs.exists(path.with_name(name)):
        number += 1
        name = f"{wanted}-{number}"
    return name


def _refuse_projection(path: Path, document: dict[str, Any] | Damage | None) -> None:
    if isinstance(document, dict) and _PROJECTION_KEY in document:
        raise StatsError(
            f"{path} belongs to the projection, which makes it from the event log: save to another"
            " file (to make this one anew, run `syncstats rebuild`)",
        )


def _read_document(path: Path, fs: FileSystem) -> dict[str, Any] | Damage | None:
    """Read the JSON object in a file; None if there is no file, or nothing in it."""
    try:
        with fs.open_read(path) as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(data) > MAX_BYTES:
        return Damage("", f"it is larger than {MAX_BYTES >> 20} MiB")
    return _parse(data) if data.strip() else None


def _parse(data: bytes) -> dict[str, Any] | Damage:
    """Read a JSON object."""
    try:
        document = json.loads(data.decode(), object_pairs_hook=_unique)
    except RecursionError:
        return Damage("", "it is nested too deeply")
    except UnicodeDecodeError as error:
        return Damage("", f"it is no UTF-8: byte {error.start}")
    except ValueError as error:
        return Damage("", f"it is no JSON: {error}")
    return document if isinstance(document, dict) else read_fields(document)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members, none of which may stand twice: which one would be right?"""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return members


def _read_contents(document: dict[str, Any]) -> Contents | Damage:
    """Read stats and id from a file's JSON object."""
    # Without a start in the file there is none yet, and the first object to save brings its own.
    fields = read_fields({"session_start": None, **document})
    if isinstance(fields, Damage):
        return fields
    file_id = document.get(_ID_KEY)
    if _ID_KEY in document and (not isinstance(file_id, str) or not file_id):
        return Damage(_ID_KEY, f"{_ID_KEY} must be a name")
    return Contents(SyncStats(**fields), file_id)


def _encode(stats: SyncStats, path: Path, file_id: str | None = None) -> bytes:
    """Write a file's content: the same bytes for the same stats, one field a line.

    Raises:
        StatsError: A reader would take them for damaged.
    """
    document = stats.to_dict()
    damage = read_fields(document)
    if isinstance(damage, Damage):
        raise StatsError(f"these stats cannot be saved to {path}: {damage.reason}")
    if file_id is not None:
        document[_ID_KEY] = file_id
    lines = (f'  "{key}": {json.dumps(value, allow_nan=False)}' for key, value in document.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _real(filepath: str | os.PathLike[str]) -> Path:
    """The file itself, links followed: it is what is replaced, locked and known."""
    return Path(os.path.realpath(filepath))


def _key(path: Path, file_id: str | None) -> str:
    """By what an object knows a file."""
    return f"path {path}" if file_id is None else f"id {file_id}"


def _mode(path: Path) -> int | None:
    """The permissions that a file has and keeps; None if there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


def _holds(path: Path, data: bytes, fs: FileSystem) -> bool:
    """Whether a file has just this content."""
    try:
        with fs.open_read(path) as file:
            return file.read() == data
    except (OSError, EventsError):
        return False
