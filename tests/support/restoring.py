"""A data folder that workers use, and of which parts are lost, cut, or put back from a backup.

The folder is opened for each step and closed after it, so that its files may be exchanged between.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from events.model import Failed, Succeeded
from tests.support.workers import Place
from worker.errors import PermanentError
from worker.recorder import Ended

if TYPE_CHECKING:
    from pathlib import Path

    from sync_queue.jobs import LeasedJob


def at(data: Path, boot_id: str = "boot-1") -> closing[Place]:
    """The data folder, closed at the end of the block."""
    return closing(Place(data, boot_id=boot_id))


def work(
    data: Path, jobs: int = 0, *, boot_id: str = "boot-1", dead: bool = False
) -> tuple[str, list[str]]:
    """Add jobs, let a worker do all that wait: its stream, and what it told.

    Args:
        data: The data folder.
        jobs: How many are added.
        boot_id: Under which boot of the machine.
        dead: Whether each job that is done dies.
    """

    def handle(_job: object) -> None:
        if dead:
            raise PermanentError("no")

    with at(data, boot_id) as place:
        place.enqueue(jobs)
        report = place.worker(handle).run()
        assert report.stream is not None
        return report.stream, told(place)


def told(place: Place) -> list[str]:
    """What workers told, but for streams that they took over."""
    return [text for text in place.told.notices if not text.startswith("took over")]


def start(data: Path, **more: Any) -> list[str]:
    """Let a worker start and end: what it told."""
    with at(data, **more) as place:
        place.start().close()
        return told(place)


def queue_id(data: Path) -> str:
    with at(data) as place:
        return place.queue.queue_id


def save(data: Path, name: str) -> None:
    """Keep a copy of a database, as a backup tool makes it, also while it is in use."""
    with (
        closing(sqlite3.connect(data / name)) as source,
        closing(sqlite3.connect(data / f"{name}.saved")) as target,
    ):
        source.backup(target)


def restore(data: Path, name: str) -> None:
    """Put the copy of a database back."""
    for file in data.glob(f"{name}-*"):
        file.unlink()
    shutil.copy(data / f"{name}.saved", data / name)


def lose(data: Path, name: str) -> None:
    """Delete a database, and its copy."""
    for file in data.glob(f"{name}*"):
        file.unlink()


def restored_queue(data: Path, jobs: int = 2) -> str:
    """A queue as it was when so many of its jobs waited, and a log in which they have ended."""
    with at(data) as place:
        place.enqueue(jobs)
    save(data, "queue.db")
    stream, _ = work(data)
    restore(data, "queue.db")
    return stream


def outcome(job: LeasedJob, how: str) -> Ended:
    """A job that has ended with ``"success"``, ended ``"dead"``, or will be tried again."""
    common: dict[str, Any] = {
        "job_id": job.id,
        "kind": job.kind,
        "attempt": job.attempt,
        "scene_id": job.scene_id,
    }
    if how == "success":
        return Ended(job, Succeeded(**common))
    if how == "dead":
        return Ended(job, Failed(**common, error_type="E", to_dlq=True))
    return Ended(job, Failed(**common, error_type="E", retry_at_us=5, policy="not_found"))


def only_segment(data: Path, stream: str) -> Path:
    """The one segment of a stream."""
    (path,) = (data / "events" / stream).glob("*.jsonl")
    return path


def cut(data: Path, stream: str, lines: int) -> bytes:
    """Leave only so many lines of a stream; gives what stood there."""
    path = only_segment(data, stream)
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:lines]))
    return whole


def unmark(data: Path) -> None:
    """Make the queue what one of before is after its tables were brought up to date."""
    with closing(sqlite3.connect(data / "queue.db")) as connection, connection:
        connection.execute("DELETE FROM acknowledged")
        connection.execute("INSERT INTO meta VALUES ('unmarked', '1')")
