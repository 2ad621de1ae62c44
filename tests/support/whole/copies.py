"""What is done to data folders besides work: dead letters, copies, and older states."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

from tests.support.whole.model import Folder
from tests.support.whole.process import Process
from tests.support.whole.workers import JOBS, Batch, Crash, Workers

if TYPE_CHECKING:
    from pathlib import Path

    from sync_queue.dead_letters import StoredLetter
    from tests.support.whole.site import Site

SITES = 3
PARTS = ("log", "queue.db", "dlq.db", "stats.json")


class Backup(NamedTuple):
    """A copy of a data folder, what that holds, and whose it is."""

    path: Path
    model: Folder
    origin: tuple[Site, int]


class Copies(Workers):
    """Data folders that are copied, lost, and put back."""

    def __init__(self, root: Path, *, reuses_folders: bool) -> None:
        super().__init__(root, reuses_folders=reuses_folders)
        self.backups: list[Backup] = []

    # Dead letters

    def _letter(self, site: Site, which: int) -> StoredLetter | None:
        """A dead letter; None if there are none, since the queue is full."""
        if not site.model.letters:
            self.work(site, [(0, ["dead"] * 3, 0)], None, None)
        letters = sorted(site.place.letters.list(), key=lambda each: each.id)
        return letters[which % len(letters)] if letters else None

    def retry_letter(self, site: Site, which: int, crash: Crash) -> None:
        letter = self._letter(site, which)
        if letter is None or letter.stream is None or letter.seq is None:
            return
        place = letter.stream, letter.seq
        mark = f"{site.place.letters.dlq_id}:{letter.id}"
        waits = site.model.key_waits(site.model.letters[place][1])
        was_enqueued = mark in site.model.marks
        if len(site.model.jobs) >= 2 * JOBS and not was_enqueued:
            return
        process = Process(site)

        def retry() -> None:
            (result,) = site.place.letters.retry(letter.id, queue=process.queue)
            if result.outcome == "retried":
                assert (result.job_id is None) == was_enqueued
            else:
                assert result.outcome == "waiting"
                assert waits
                assert not was_enqueued

        came_through = self.doing(site, process, crash, retry)
        if any(each.id == letter.id for each in site.place.letters.list()):
            assert waits or not came_through
        else:
            assert came_through or "retry_dead" in process.steps
            self._is_gone(site, place)

    def purge_letter(self, site: Site, which: int) -> None:
        letter = self._letter(site, which)
        if letter is not None and letter.stream is not None and letter.seq is not None:
            assert site.place.letters.purge(letter.id)[0].outcome == "purged"
            self._is_gone(site, (letter.stream, letter.seq))

    def _is_gone(self, site: Site, place: tuple[str, int]) -> None:
        del site.model.letters[place]
        site.model.deleted.add(place)

    # Copies and older states

    def copy(self, site: Site, which: int) -> None:
        """``cp -a``, also beside live workers; both are worked on."""
        if len(self.sites) == SITES:
            others = [each for each in self.sites if each is not site]
            gone = others[which % len(others)]
            gone.close()
            self.sites.remove(gone)
            self.touched.discard(gone)
            shutil.rmtree(gone.data)
        target = self.root / f"copy-{self.world.number()}"
        copy = type(site)(target, self.world, site.copy_to(target))
        self.sites.append(copy)
        self.touched.add(copy)

    def back_up(self, site: Site) -> None:
        target = self.root / f"backup-{self.world.number()}"
        backup = Backup(target, site.copy_to(target), (site, site.lineage))
        self.backups = [*self.backups[-3:], backup]

    def restore(
        self, site: Site, which: int, batches: list[Batch], *, mirrored: bool, keep_stats: bool
    ) -> None:
        """Put an older state in place, or one of another copy; and go on."""
        if not self.backups:
            self.back_up(site)
            self.work(site, batches, None, None)
        backup = self.backups[which % len(self.backups)]
        site.replace_by(backup.path, backup.model, keep_folders=mirrored, keep_stats=keep_stats)
        self.work(site, batches, None, None)

    def restore_part(
        self, site: Site, part: str, batches: list[Batch], crash: Crash, *, lost: bool
    ) -> None:
        """Put one file back, or the log, as it was put away last; or lose a file."""
        if lost and part != "log":
            site.replace_part(part, None, Folder())
        else:
            own = [each for each in self.backups if each.origin == (site, site.lineage)]
            if not own:
                self.provide(site, 3)
                self.back_up(site)
                self.work(site, batches, None, None)
                own = self.backups
            site.replace_part(part, own[-1].path, own[-1].model)
        self.provide(site, 2)
        self.kill(site, 1, 2, crash)  # what of the log is no outcome of these leases, stays so
        self.work(site, batches, None, None)
