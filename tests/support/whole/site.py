"""A data folder, the model of it, and the processes that work on it."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from copy import deepcopy
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from events.log.segment import segment_name
from tests.support.whole.model import Folder
from tests.support.whole.records import Outcome
from tests.support.workers import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projections.runner import Runner
    from sync_queue.dead_letters import DeadLetter
    from sync_queue.jobs import Ending, LeasedJob, NewJob
    from tests.support.whole.process import Process
    from tests.support.workers import TickingClock
    from worker.own_stream import OwnStream


class World:
    """What all folders have in common.

    Args:
        clock: Of all processes.
        reuses_folders: Whether a new folder may get the identity of one that was removed.

    Attributes:
        writers: The folder in which each stream goes on.
    """

    def __init__(self, clock: TickingClock, *, reuses_folders: bool) -> None:
        self.clock = clock
        self.reuses_folders = reuses_folders
        self.writers: dict[str, Path] = {}
        self._calls = itertools.count()

    def number(self) -> int:
        """A number that no other call gives."""
        return next(self._calls)

    def random(self, count: int) -> bytes:
        """Bytes that no other call gives, and each run of an example gives again."""
        return blake2b(b"%d" % self.number(), digest_size=count).digest()


class Worker:
    """A process that has a stream, and the jobs that it holds."""

    def __init__(self, process: Process, own: OwnStream) -> None:
        self.process = process
        self.own = own
        self.jobs: list[LeasedJob] = []


class Site:
    """A data folder with the model that follows it.

    The methods that are named ``on_…`` are told of each step that has taken effect.

    Args:
        data: The folder; made if it is not there.
        world: What it shares with other folders.
        model: What it holds, if it holds anything.

    Attributes:
        workers: Those that live.
        keeper: A process that keeps stats.json, and lives on while others do so too.
        has_lost: Whether the power took what a sync had failed for, which stats.json may cover.
        lineage: Changes when another state is put in place: a backup of before is of another one.
    """

    boot_id = "boot-1"

    def __init__(self, data: Path, world: World, model: Folder | None = None) -> None:
        self.data = data
        self.world = world
        self.clock = clock = world.clock
        self.place = Place(data, clock, boot_id=self.boot_id)
        self.model = model or Folder()
        self.lineage = 0
        self.workers: list[Worker] = []
        self.keeper: Runner | None = None
        self.has_lost = False
        self._synced: dict[Path, int] = {}
        self._dropped: dict[Path, int] = {}

    def close(self) -> None:
        self.end_all()
        self.place.close()

    def end_all(self) -> None:
        for worker in self.workers:
            worker.process.end()
        self.workers.clear()

    # What is on the disk

    def knows(self, path: Path, size: int) -> None:
        """So much of a file is on the disk, unless more is known."""
        self._synced.setdefault(path, size)

    def is_synced(self, path: Path, size: int) -> None:
        self._synced[path] = min(size, self._dropped.get(path, size))

    def sync_failed(self, path: Path) -> None:
        """What was not on the disk is dropped: a later sync does not bring it there."""
        self._dropped[path] = self._synced[path]

    def on_write_again(self, _: Process, _n: None, path: Path, offset: int) -> None:
        if offset <= self._dropped.get(path, offset):
            self._dropped.pop(path, None)

    def is_on_disk(self, path: Path, end: int) -> bool:
        return self._synced.get(path, end) >= end

    def cut_unsynced(self, share: float) -> None:
        """Lose a part of all that is not on the disk: 0 is all of it, 1 nothing."""
        for path, synced in list(self._synced.items()):
            if not path.exists():
                continue
            size = path.stat().st_size
            if size > synced:
                left = synced + round((size - synced) * share)
                with path.open("r+b") as file:
                    file.truncate(left)
                self.model.cut(path.parent.name, path.name, left)
                self.has_lost |= path in self._dropped
            self._synced[path] = path.stat().st_size  # what is there after it, is on the disk
        self._dropped.clear()

    # The same folder elsewhere, or as it was

    def copy_to(self, target: Path) -> Folder:
        """Copy the folder as ``cp -a`` does, also beside live workers; give the model of that."""
        subprocess.run(["cp", "-a", str(self.data), str(target)], check=True)
        return deepcopy(self.model)

    def replace_by(
        self, backup: Path, model: Folder, *, keep_folders: bool, keep_stats: bool
    ) -> None:
        """Put another state in place. Nobody is at work.

        Args:
            backup: The folder as it was.
            model: What that holds.
            keep_folders: Mirror the files, so that folders which both have stay the same ones.
            keep_stats: Leave stats.json as it is: of another history.
        """
        self.close()
        path = self.data / "stats.json"
        stats = path.read_bytes() if path.exists() else None
        _mirror(backup, self.data, keep_folders=keep_folders)
        if keep_stats and stats is not None:
            path.write_bytes(stats)
        self._reopen(deepcopy(model))

    def replace_part(self, part: str, backup: Path | None, model: Folder) -> None:
        """Put one file back, or the log; without a backup it is lost. Nobody is at work."""
        self.close()
        if part == "log":
            assert backup is not None
            (self.data / "events").mkdir(exist_ok=True)
            (backup / "events").mkdir(exist_ok=True)
            _mirror(backup / "events", self.data / "events", keep_folders=True)
            self.model.take_log(model)
        else:
            for path in self.data.glob(f"{part}*"):
                path.unlink()
            for path in [] if backup is None else backup.glob(f"{part}*"):
                shutil.copy2(path, self.data)
            if part == "queue.db":
                self.model.take_queue(model)
            elif part == "dlq.db":
                self.model.take_letters(model)
        self._reopen(self.model)

    def _reopen(self, model: Folder) -> None:
        self._synced.clear()
        self._dropped.clear()
        self.keeper = None
        self.has_lost = False
        self.model = model
        self.lineage += 1
        self.place = Place(self.data, self.clock, boot_id=self.boot_id)

    # What processes do to the queue

    def on_apply(
        self,
        _: Process,
        got: Sequence[LeasedJob],
        stream: str,
        _endings: Sequence[Ending],
        *,
        claim: int = 0,
        next_seq: int = 0,
    ) -> None:
        model = self.model
        for line in model.unseen(stream):
            assert line.outcome is not None
            known = model.letters.keys() | model.deleted
            assert not line.outcome.to_dlq or (stream, line.seq) in known, "heard before its letter"
            path = self.data / "events" / stream / line.segment
            assert self.is_on_disk(path, line.end), "acknowledged before it was on the disk"
        model.apply(stream)
        model.claimed(stream, next_seq, claim, self.clock.us, got)

    def on_give_back(self, _: Process, _n: int, stream: str, jobs: Sequence[Any]) -> None:
        self.model.release(stream, jobs, attempts=1)

    def on_interrupt(self, _: Process, _n: int, stream: str, jobs: Sequence[Any]) -> None:
        self.model.release(stream, jobs)

    def on_release_lost(self, _: Process, _n: int, stream: str) -> None:
        assert stream not in {worker.own.name for worker in self.workers}, "its worker lives"
        held = [(job.id, job.attempt) for job in self.model.held(stream)]
        self.model.release(stream, held, losses=1)

    def on_take_over(self, process: Process, moved: bool, *lease: Any) -> None:
        job_id, attempt, _from, to, next_seq = lease
        assert moved
        job = self.model.move(job_id, to, next_seq)
        assert job.attempt == attempt
        if process.staged is not None:
            lost = Outcome("job.failed", job_id, attempt, self.clock.us, error_type="WorkerLost")
            process.staged.append(replace(lost, to_dlq=True))

    def on_retry_dead(self, _: Process, job_id: int | None, mark: str, job: NewJob) -> None:
        assert (job_id is None) == (mark in self.model.marks)
        if job_id is not None:
            self.model.add(job_id, job.job_key, self.clock.us)
            self.model.marks[mark] = job_id

    def on_forget_marks(self, _: Process, _n: None, marks: Sequence[str]) -> None:
        for mark in marks:
            del self.model.marks[mark]

    def on_begin_anew(self, _: Process, _n: None, _id: str, logs: Any, _last: int) -> None:
        for log in logs:
            self.model.heard[log.stream] = max(self.model.heard.get(log.stream, 0), log.next_seq)

    # What they do to the dead letters

    def on_insert(self, _: Process, _n: int, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            assert letter.stream is not None
            assert letter.seq is not None
            self.model.insert(letter.stream, letter.seq)

    # What they do to files

    def on_write(self, process: Process, path: Path, begin: int, data: bytes) -> None:
        stream = path.parent.name
        place = self.world.writers.setdefault(stream, self.data)
        assert place == self.data or self.world.reuses_folders, "one stream goes on in two folders"
        self.model.write(stream, path.name, begin, data, process.staged)

    def on_replace_file(
        self, process: Process, _n: None, path: Path, data: bytes, **_mode: Any
    ) -> None:
        if _is_segment(path):  # what was not synced is written again
            self._dropped.pop(path, None)
            self.model.write(path.parent.name, path.name, 0, data, process.staged)
            self.is_synced(path, len(data))

    def on_sync_file(self, _: Process, _n: None, path: Path) -> None:
        self.is_synced(Path(path), Path(path).stat().st_size)

    def on_truncate(self, _: Process, _n: None, path: Path, size: int) -> None:
        self.model.cut(Path(path).parent.name, Path(path).name, size)
        self._dropped.pop(Path(path), None)
        self.is_synced(Path(path), size)

    # What it looks like

    def lines(self, stream: str) -> tuple[int, list[dict[str, Any]]]:
        """The seq up to which a stream was pruned, and what its files say from there on.

        Each seq once; read without any code of ours.
        """
        summary = self.data / "events" / stream / "summary.json"
        first: int = json.loads(summary.read_bytes())["end"] if summary.exists() else 0
        texts: dict[str, bytes] = {}
        for path in sorted((self.data / "events" / stream).glob("*.jsonl*")):
            name = path.name[: len(segment_name(0))]
            if path.suffix == ".jsonl" or name not in texts:
                texts[name] = _text(path)
        found: dict[int, dict[str, Any]] = {}
        for name in sorted(texts):
            for text in texts[name].split(b"\n")[:-1]:
                line = json.loads(text)
                assert line["stream"] == stream
                assert found.setdefault(line["seq"], line) == line, "one number, two events"
        return first, [found[seq] for seq in sorted(found) if seq >= first]


def _mirror(source: Path, target: Path, *, keep_folders: bool) -> None:
    for path in sorted(target.rglob("*"), reverse=True):
        if not path.is_dir():
            path.unlink()
        elif not (keep_folders and (source / path.relative_to(target)).is_dir()):
            shutil.rmtree(path)
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


def _is_segment(path: Path) -> bool:
    return path.parent.parent.name == "events" and path.suffix == ".jsonl"


def _text(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".zst":
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    return data
