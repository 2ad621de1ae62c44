"""What is fuzzed: one function a reader, which takes any bytes and raises only for a defect.

They need no fuzzer: `test_targets.py` runs the kept corpus and seeded mutations of it through them,
`make fuzz` lets atheris look for more.
"""

from __future__ import annotations

import json
import math
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import UNSET
from structlog.testing import capture_logs

from events.codec import decode, encode
from events.errors import InvalidLineError
from events.examination import examine
from events.filesystem import RealFileSystem
from events.model import HIGH, Line
from events.redaction import Redactor
from events.terminal import safe
from projections.entry import LOOSE, Entry, entry_from_dict
from projections.errors import SnapshotError
from projections.fold import Fold
from projections.snapshot import Snapshot, parse_snapshot
from sync_queue.errors import InvalidJobError
from sync_queue.job_lines import dump, load, parse_job, read_jobs
from tests.fuzz import foreign_targets, kernel_targets
from worker.errors import StatsError
from worker.stats import SyncStats
from worker.stats_file import load as load_stats

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from sync_queue.jobs import NewJob

STREAM = "a"
_REDACTOR = Redactor()


def _says(error: Exception, beginning: str = "") -> None:
    message = str(error)
    assert message
    assert message.startswith(beginning)


# Event lines --------------------------------------------------------------------------------------


def line(data: bytes) -> None:
    """Lines of a log: each is an event or invalid, and both ways of reading it agree; any folds."""
    for text in data.split(b"\n"):
        found = _read(decode, text)
        assert said(found) == said(_read(examine, text)), "the fast and the close look differ"
        if isinstance(found, Line):
            again = decode(encode(_fields(found)))
            assert said(again) == said(found), "written and read again it says something else"
    _fold(data)


def _read(reader: Callable[[bytes], Line], text: bytes) -> Line | InvalidLineError:
    try:
        return reader(text)
    except InvalidLineError as error:
        return error


def said(found: Line | InvalidLineError) -> tuple[object, ...]:
    """All that a reader is told of a line. Fields of any type count as the fold reads them."""
    if isinstance(found, InvalidLineError):
        assert found.reason
        assert found.stream is None or found.stream.encode()
        return (found.reason, found.stream, found.seq)
    assert (found.stream is UNSET) is (found.seq is UNSET)
    values = {name: getattr(found, name) for name in Line.__struct_fields__}
    values["confidence"] = values["confidence"] == HIGH
    values["exception"] = values["exception"] is UNSET
    return tuple(values.items())


def _fields(event: Line) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in Line.__struct_fields__}
    defaults = Line()
    return {
        name: value
        for name, value in values.items()
        if value is not UNSET and (name == "event" or value != getattr(defaults, name))
    }


def _fold(data: bytes) -> None:
    lines = [text + b"\n" for text in data.split(b"\n")]
    for folder in (None, STREAM):
        whole, apart, backwards = Fold(), Fold(), Fold()
        whole.lines(b"".join(lines), folder=folder)
        for text in lines:
            apart.lines(text, folder=folder)
        backwards.lines(b"".join(reversed(lines)), folder=folder)
        entries = whole.entries()
        assert entries == apart.entries(), "cut elsewhere it adds up to something else"
        if not any(entry.duplicates for entry in entries.values()):  # else the first one counts
            assert entries == backwards.entries(), "backwards it adds up to something else"
        _believed(Snapshot(entries))


# Statistics ---------------------------------------------------------------------------------------


def stats(data: bytes) -> None:
    """A file of statistics: refused in words, or consistent and written again as it is."""
    try:
        _believed(parse_snapshot(data, "f"))
    except SnapshotError as error:
        _says(error, "f")
    with capture_logs():  # it says what is wrong with a file
        loaded = load_stats("f", fs=_OneFile(data))
    _consistent(loaded)
    for part in _parts(_json(data)):
        _entry(part)
        try:
            found = SyncStats.from_dict(part)
        except StatsError:
            continue
        _consistent(found)


class _OneFile(RealFileSystem):
    """A file system whose every file holds the same."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open_read(self, path: str | os.PathLike[str]) -> BinaryIO:  # noqa: ARG002 - every path leads to it
        return BytesIO(self._data)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _parts(found: Any) -> list[Any]:
    """What could be statistics: the whole, and what it says of its streams."""
    parts = [found]
    streams = found.get("streams") if isinstance(found, dict) else None
    for entry in streams.values() if isinstance(streams, dict) else ():
        parts.append(entry)
        if isinstance(entry, dict):
            parts.append(entry.get("stats"))
    return parts


def _entry(data: Any) -> None:
    for name in (STREAM, LOOSE):
        try:
            found = entry_from_dict(name, data)
        except SnapshotError:
            continue
        _believed(Snapshot({name: found}))


def _believed(snapshot: Snapshot) -> None:
    """It can be written, read again as the same, and adds up."""
    data = snapshot.to_bytes()
    again = parse_snapshot(data, "f")
    assert again == snapshot
    assert again.to_bytes() == data
    for entry in snapshot.streams.values():
        _adds_up(entry)
    _consistent(snapshot.total())


def _adds_up(entry: Entry) -> None:
    sums = entry.stats
    assert (entry.as_of_us is None) is (sums.session_start == math.inf)
    assert entry.as_of_us is None or sums.jobs_processed + sums.jobs_skipped > 0
    assert all(0 <= start < end for start, end in (*entry.seen, *entry.spoilt, *entry.gaps))


def _consistent(sums: SyncStats) -> None:
    assert sums.jobs_processed >= sums.jobs_failed >= sums.jobs_to_dlq >= 0
    assert sums.jobs_processed >= sums.jobs_succeeded >= 0
    assert 0 <= sums.success_rate <= 100
    assert 0 <= sums.completion_rate <= 100
    assert sums.session_start >= 0
    for histogram in (sums.latency, sums.waiting):
        shown = [histogram.quantile(q) for q in (0, 0.5, 0.9, 0.99, 1)]
        assert shown == sorted(shown)
        assert all(map(math.isfinite, shown))
    assert len(sums.errors_by_type) <= 1001
    written = sums.to_dict()
    assert SyncStats.from_dict(json.loads(json.dumps(written, allow_nan=False))) == sums


# Jobs ---------------------------------------------------------------------------------------------


def job(data: bytes) -> None:
    """Job lines: each is a job or refused in words, and a job can be stored and written again."""
    try:
        jobs = [*read_jobs(BytesIO(data))]
    except InvalidJobError as error:
        _says(error, "line ")
    else:
        lines = [text for text in data.split(b"\n") if text.strip()]
        assert jobs == [parse_job(text) for text in lines]
    for text in data.split(b"\n"):
        try:
            found = parse_job(text)
        except InvalidJobError as error:
            _says(error)
        else:
            _can_be_stored(found)
    try:
        value = load(data.decode(errors="surrogatepass"))
    except (InvalidJobError, UnicodeDecodeError):
        return
    assert repr(load(dump(value))) == repr(value)


def _can_be_stored(found: NewJob) -> None:
    assert repr(load(dump(found.data))) == repr(found.data)
    fields = {"scene_id": found.scene_id, "update_type": found.kind, "data": found.data}
    if found.job_key is not None:
        fields["job_key"] = found.job_key
    written = dump(fields)
    if len(written) <= 1 << 20:  # \u escapes may have made it longer
        assert parse_job(written) == found
    found.kind.encode()


# Text ---------------------------------------------------------------------------------------------


def text(data: bytes) -> None:
    """Any text: masking twice is masking once, and nothing that a terminal obeys is left."""
    given = data.decode(errors="surrogateescape")
    masked = _REDACTOR.text(given)
    assert _REDACTOR.text(masked) == masked
    shown = safe(masked)
    assert safe(shown) == shown
    shown.encode()
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)
    value = _json(data)
    masked_value = _REDACTOR.value(value)
    assert repr(_REDACTOR.value(masked_value)) == repr(masked_value)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "line": line,
    "kernel": kernel_targets.kernel,
    "stats": stats,
    "job": job,
    "text": text,
    "foreign": foreign_targets.foreign,
    "mapping": foreign_targets.mapping,
    "state": foreign_targets.state,
}
HERE = Path(__file__).resolve().parent


def corpus(name: str) -> list[Path]:
    """The inputs that are kept for a target, sorted."""
    return sorted((HERE / "corpus" / name).iterdir())
