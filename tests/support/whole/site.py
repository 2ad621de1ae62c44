"""A data folder, the model of it, and the processes that work on it."""

from __future__ import annotations

import json
import shutil
import subprocess
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from events.log.segment import segment_name
from tests.support.whole.model import Folder, Outcome
from tests.support.workers import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync_queue.dead_letters import DeadLetter
    from sync_queue.jobs import Ending, LeasedJob, NewJob
    from tests.support.whole.process import Process
    from tests.support.workers import TickingClock
    from worker.own_stream import OwnStream


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
        clock: Of all processes on it.
        model: What it holds, if it holds anything.

    Attributes:
        workers: Those that live.
        pruned: The first seq of each stream that its segments still hold.
    """

    boot_id = "boot-1"

    def __init__(self, data: Path, clock: TickingClock, model: Folder | None = None) -> None:
        self.data = data
        self.clock = clock
        self.place = Place(data, clock, boot_id=self.boot_id)
        self.model = model or Folder(self.place.queue.queue_id)
        self.workers: list[Worker] = []
        self.pruned: dict[str, int] = {}
        self._synced: dict[Path, int] = {}

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
        self._synced[path] = size

    def is_on_disk(self, path: Path, end: int) -> bool:
        return self._synced.get(path, end) >= end

    def cut_unsynced(self, share: float, stream: str | None = None) -> None:
        """Lose a part of all that is not on the disk: 0 is all of it, 1 nothing."""
        for path, synced in list(self._synced.items()):
            if not path.exists() or stream not in {None, path.parent.name}:
                continue
            size = path.stat().st_size
            if size > synced:
                left = synced + round((size - synced) * share)
                with path.open("r+b") as file:
                    file.truncate(left)
                self.model.cut(path.parent.name, path.name, left)
            self._synced[path] = min(size, synced)

    # The same folder elsewhere, or as it was

    def copy_to(self, target: Path) -> Folder:
        """Copy the folder as ``cp -a`` does, also beside live workers; give the model of that."""
        subprocess.run(["cp", "-a", str(self.data), str(target)], check=True)
        return deepcopy(self.model)

    def replace_by(self, backup: Path, model: Folder, *, keep_folders: bool) -> None:
        """Put an older state in place. Nobody is at work.

        Args:
            backup: The folder as it was.
            model: What that holds.
            keep_folders: Mirror the files, so that folders which both have stay the same ones.
        """
        self.close()
        for path in sorted(self.data.rglob("*"), reverse=True):
            if not path.is_dir():
                path.unlink()
            elif not (keep_folders and (backup / path.relative_to(self.data)).is_dir()):
                shutil.rmtree(path)
        subprocess.run(["cp", "-a", f"{backup}/.", str(self.data)], check=True)
        self._reopen(deepcopy(model))

    def lose_queue(self) -> None:
        """``queue.db`` is gone, and made anew. Nobody is at work."""
        self.close()
        for path in self.data.glob("queue.db*"):
            path.unlink()
        self._reopen(self.model)
        self.model.lose_queue(self.place.queue.queue_id)

    def _reopen(self, model: Folder) -> None:
        self._synced.clear()
        self.model = model
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
        for line in self.model.unseen(stream):
            path = self.data / "events" / stream / line.segment
            assert self.is_on_disk(path, line.end), "acknowledged before it was on the disk"
        self.model.apply(stream)
        self.model.claimed(stream, next_seq, claim, self.clock.us, got)

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

    # What they do to the dead letters

    def on_insert(self, _: Process, _n: int, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            assert letter.stream is not None
            assert letter.seq is not None
            self.model.insert(letter.stream, letter.seq)

    # What they do to files

    def on_write(self, process: Process, path: Path, begin: int, data: bytes) -> None:
        if _is_segment(path):
            self.model.write(path.parent.name, path.name, begin, data, process.staged)

    def on_sync_file(self, _: Process, _n: None, path: Path) -> None:
        self.is_synced(Path(path), Path(path).stat().st_size)

    def on_truncate(self, _: Process, _n: None, path: Path, size: int) -> None:
        self.model.cut(Path(path).parent.name, Path(path).name, size)
        self.is_synced(Path(path), size)

    # What it looks like

    def lines(self, stream: str) -> list[dict[str, Any]]:
        """What the files of a stream say, each seq once; read without any code of ours."""
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
        return [found[seq] for seq in sorted(found)]


def _is_segment(path: Path) -> bool:
    return path.parent.parent.name == "events" and path.suffix == ".jsonl"


def _text(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".zst":
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    return data
