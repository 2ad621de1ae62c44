"""Stats files: what stands in them, well or damaged, and a disk that refuses to show them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from events.filesystem import RealFileSystem
from worker.stats import SyncStats

if TYPE_CHECKING:
    from pathlib import Path

PLAIN: Final[dict[str, Any]] = {
    "jobs_processed": 3,
    "jobs_succeeded": 2,
    "jobs_failed": 1,
    "jobs_to_dlq": 1,
    "total_processing_time": 1.5,
    "session_start": 1700000000.123456,
    "errors_by_type": {"PlexNotFound": 1},
    "high_confidence_matches": 1,
    "low_confidence_matches": 1,
}
"""What the known predecessor wrote."""
DAMAGED: Final = [
    (b"{", ""),
    (b"no json", ""),
    (b"\xff\xfe{}", ""),
    (b'{"errors_by_type": {"\xe9": 1}}', ""),
    (b"[]", ""),
    (b"null", ""),
    (b"true", ""),
    (b"5", ""),
    (b'"text"', ""),
    (b"[" * 100_000, ""),
    (b'{"jobs_processed": 1, "jobs_processed": 2}', ""),
    (b'{"jobs_processed": null}', "jobs_processed"),
    (b'{"errors_by_type": null}', "errors_by_type"),
    (b'{"total_processing_time": null}', "total_processing_time"),
    (b'{"total_processing_time": NaN}', "total_processing_time"),
    (b'{"total_processing_time": -1}', "total_processing_time"),
    (b'{"session_start": NaN}', "session_start"),
    (b'{"session_start": Infinity}', "session_start"),
    (b'{"session_start": 1e999}', "session_start"),
    (b'{"jobs_processed": true}', "jobs_processed"),
    (b'{"jobs_processed": 5.5}', "jobs_processed"),
    (b'{"jobs_processed": "5"}', "jobs_processed"),
    (b'{"jobs_processed": -5}', "jobs_processed"),
    (b'{"jobs_processed": 9223372036854775808}', "jobs_processed"),
    (b'{"jobs_processed": 1, "jobs_succeeded": 1, "jobs_failed": 1}', "jobs_processed"),
    (b'{"jobs_processed": 2, "jobs_failed": 1, "jobs_to_dlq": 2}', "jobs_to_dlq"),
    (b'{"errors_by_type": {"A": true}}', "errors_by_type"),
    (b'{"latency": {"scale": 5}}', "latency"),
    (b'{"file_id": 5}', "file_id"),
    (b'{"file_id": null}', "file_id"),
    (b'{"file_id": ""}', "file_id"),
    (b'{"jobs_processed": ' + b"1" * 5000 + b"}", ""),
]
"""What holds no stats, and the field that is to blame."""


class StoppedClock:
    """Stands at 2025-11-24T16:00:00.123456Z."""

    def now_us(self) -> int:
        return 1_764_000_000_123_456

    def monotonic_ns(self) -> int:
        return 0


class TooManyOpenFiles(RealFileSystem):
    def open_read(self, path: Any) -> Any:
        raise OSError(24, "too many open files", str(path))


def one_job(error_type: str = "") -> SyncStats:
    """The stats of one attempt: a success, or a failure."""
    stats = SyncStats(session_start=1000.5)
    if error_type:
        stats.record_failure(error_type, 0.1)
    else:
        stats.record_success(0.1)
    return stats


def processed(path: Path) -> int:
    """How many attempts a file tells of."""
    count: int = json.loads(path.read_text())["jobs_processed"]
    return count


def names(path: Path) -> list[str]:
    """What stands in the folder of a file."""
    return sorted(entry.name for entry in path.parent.iterdir())
