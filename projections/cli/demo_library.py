"""What the demo works on: a media library, and the jobs that bring metadata to it.

Everything is real: files in a folder, jobs in a queue. What can go wrong in a library does: files
that are not there (yet), two of one name, jobs that lead out of it, a disk that goes away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sync_queue.jobs import NewJob

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

EXACT, BY_NAME, SKIPPED, LATE = 208, 40, 14, 12
MISSING, AMBIGUOUS, WRONG = 10, 6, 10
JOBS = EXACT + BY_NAME + SKIPPED + LATE + MISSING + AMBIGUOUS + WRONG
FILMS = EXACT + BY_NAME + SKIPPED + 2 * AMBIGUOUS
"""Media files when the work begins; the late ones come after it."""


@dataclass(frozen=True)
class Library:
    """A media library, and what happens to it while the work goes on.

    Attributes:
        folder: Its folder.
        late: Media files that are not there at first.
        jobs: One job for each film, and some for films that are none.
    """

    folder: Path
    late: tuple[Path, ...]
    jobs: tuple[NewJob, ...]

    def let_late_files_come(self) -> None:
        """Make the media files that were not there."""
        for media in self.late:
            _make(media)

    def go_away(self) -> None:
        """Take the library away, as a disk or a network share that drops out."""
        self.folder.rename(self._elsewhere)

    def come_back(self) -> None:
        """Bring the library back, as it was."""
        self._elsewhere.rename(self.folder)

    @property
    def _elsewhere(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-away")


def make_library(folder: Path, rng: Random) -> Library:
    """Make a library and its jobs, in an order drawn from ``rng``."""
    number = 0

    def films(count: int) -> list[tuple[Path, str]]:
        nonlocal number
        made: list[tuple[Path, str]] = []
        for _ in range(count):
            number += 1
            title = f"Film {number:03d}"
            made.append((folder / f"{title} (2026)" / f"{title}.mkv", title))
        return made

    jobs: list[dict[str, Any]] = []
    for media, title in films(EXACT):
        _make(media)
        jobs.append(_data(str(media), title))
    for media, title in films(BY_NAME):  # the sender sees the library under another mount
        _make(media)
        jobs.append(_data(f"/elsewhere/stash/{media.name}", title))
    for media, title in films(SKIPPED):  # the user wrote this sidecar, and keeps it
        _make(media)
        media.with_suffix(".nfo").write_text(f"<movie><title>My {title}</title></movie>\n")
        jobs.append(_data(str(media), title))
    late = films(LATE)
    jobs += [_data(str(media), title) for media, title in late]
    jobs += [_data(str(media), title) for media, title in films(MISSING)]
    for media, title in films(AMBIGUOUS):
        _make(media)
        _make(folder / "Copies" / media.name)
        jobs.append(_data(f"/elsewhere/stash/{media.name}", title))
    jobs += [_data(f"../outside/{title}.mkv", title) for _, title in films(WRONG)]
    numbered = [
        NewJob(scene_id=scene, data=data, job_key=f"scene_{scene}")
        for scene, data in enumerate(jobs, 1)
    ]
    rng.shuffle(numbered)
    return Library(
        folder,
        tuple(media for media, _ in late),
        tuple(numbered),
    )


def _data(path: str, title: str) -> dict[str, Any]:
    return {"path": path, "title": title, "date": "2026-01-01", "studio": "Demo Pictures"}


def _make(media: Path) -> None:
    media.parent.mkdir(parents=True, exist_ok=True)
    media.touch()
