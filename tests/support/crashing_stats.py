"""A data folder on the file system in memory: written, folded, compressed and pruned at once.

Its processes take turns as a seed says, also in the midst of one another's calls: between any two
steps of one another one may act. Then all of them die, or the power fails.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from events.codec import decode
from events.errors import InvalidLineError, SyncStatsError
from events.log.stream import list_streams, stream_folder
from projections.errors import SnapshotError
from projections.prune import prune
from projections.pruned import Keep
from projections.runner import Runner
from projections.store import SnapshotStore
from projections.summary import read_summary
from projections.verify import verify
from tests.support.crash_checks import Lines, check_recovery, segments_of
from tests.support.crashing_log import DATA, Promises, Session
from tests.support.held_clock import HeldClock
from tests.support.model_filesystem import ModelFileSystem
from tests.support.model_handles import Crashed

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from projections.snapshot import Snapshot
    from tests.support.model_disk import ModelDisk

STATS = DATA / "stats.json"
LATER_US = 1_800_000_000_000_000
"""When segments are pruned: long after all events."""


class Truth:
    """What stood in the log, also where it was pruned since; and what stats.json has to hold.

    Attributes:
        lines: Each stream's lines by number.
        saved: The stats that a save has promised.
    """

    def __init__(self) -> None:
        self.lines: dict[str, Lines] = {}
        self.saved: bytes | None = None

    def copy(self) -> Truth:
        """For another way in which things may go on."""
        copy = Truth()
        copy.lines = {stream: dict(lines) for stream, lines in self.lines.items()}
        copy.saved = self.saved
        return copy

    def key(self) -> object:
        """Equal for equal truths."""
        lines = {(stream, seq, text) for stream, m in self.lines.items() for seq, text in m.items()}
        return frozenset(lines), self.saved

    def note_saved(self, disk: ModelDisk) -> None:
        """Stats.json was replaced, as a call of `Runner.save` says.

        One that found it as it should be promises nothing: its maker may have died before the name
        was on the disk. All that is in it is in the log, or in summaries.
        """
        with suppress(FileNotFoundError), ModelFileSystem(disk).open_read(STATS) as file:
            self.saved = file.read()

    def see(self, fs: ModelFileSystem) -> None:
        """Look at the log; what it holds now is true, and what is beyond it is not any more."""
        for stream in list_streams(DATA, fs):
            lines = self.lines.setdefault(stream, {})
            there: Lines = {}
            for text in segments_of(fs, DATA, stream).values():
                there |= {seq: line for line in text.split(b"\n")[:-1] if (seq := _seq(line)) >= 0}
            summary = read_summary(stream_folder(DATA, stream), fs)
            end = max([*there, -1 if summary is None else summary.end - 1], default=-1)
            for seq in [seq for seq in lines if seq > end]:
                del lines[seq]
            lines.update(there)
        for stream in self.lines.keys() - list_streams(DATA, fs):
            del self.lines[stream]

    def counts(self, snapshot: Snapshot) -> dict[str, int]:
        """What the lines below a snapshot's positions come to, counted in the plainest way."""
        counts = {"jobs_succeeded": 0, "jobs_failed": 0, "jobs_to_dlq": 0, "total_processing_ns": 0}
        for stream, entry in snapshot.streams.items():
            for seq, line in self.lines[stream].items():
                event = decode(line)
                if seq >= entry.position.seq or not event.event.startswith("job."):
                    continue
                counts[event.event.replace("job.", "jobs_")] += 1
                counts["jobs_to_dlq"] += event.to_dlq
                duration_ns = event.duration_ns
                assert isinstance(duration_ns, int)
                counts["total_processing_ns"] += duration_ns
        return counts


def counts_of(snapshot: Snapshot) -> dict[str, int]:
    """The same of a snapshot."""
    total = snapshot.total()
    return {
        "jobs_succeeded": total.jobs_succeeded,
        "jobs_failed": total.jobs_failed,
        "jobs_to_dlq": total.jobs_to_dlq,
        "total_processing_ns": total.total_processing_time_ns,
    }


def stats_of(fs: ModelFileSystem) -> Snapshot | None:
    """What stats.json holds; it has to be whole."""
    try:
        return SnapshotStore(DATA, fs=fs, clock=HeldClock()).load()
    except SnapshotError as error:
        raise AssertionError(f"stats.json is torn: {error}") from error


def check_all(fs: ModelFileSystem, truth: Truth, rng: Random) -> None:
    """All that has to hold of what was found after a crash, and of what comes next."""
    truth = truth.copy()
    try:
        truth.see(fs)
        check_stats(fs, truth)
        check_recovery(fs, DATA, rng)
        truth.see(fs)
        check_goes_on(fs, truth, rng)
    except SyncStatsError as error:
        raise AssertionError(f"something cannot be read: {error}") from error


def check_stats(fs: ModelFileSystem, truth: Truth) -> None:
    """Stats.json is what was saved last or newer, and a fold of the log that is there."""
    found = stats_of(fs)
    if truth.saved is not None:
        assert found is not None, "what was saved is lost"
        promised = SnapshotStore(DATA, fs=fs, clock=HeldClock()).parse(truth.saved)
        for stream, entry in promised.streams.items():
            assert found.streams[stream].position.seq >= entry.position.seq, "an older save is back"
    if found is not None:
        assert counts_of(found) == truth.counts(found)
    checked = verify(DATA, fs=fs)
    assert checked.differences == (), "stats.json is ahead of the log, or no fold of it"
    assert (checked.gaps, checked.duplicates, checked.invalid_lines) == ((), 0, 0)


def check_goes_on(fs: ModelFileSystem, truth: Truth, rng: Random) -> None:
    """What comes next has nothing to mend, and ends with stats that are the fold of all."""
    notices: list[str] = []
    runner = Runner(DATA, fs=fs, clock=HeldClock(), notice=notices.append)
    runner.start()
    runner.catch_up()
    runner.save()
    checked = verify(DATA, fs=fs)
    assert (checked.differences, checked.gaps, checked.behind) == ((), (), 0)
    assert counts_of(runner.snapshot) == truth.counts(runner.snapshot)
    assert notices == [], "nothing had to be mended"
    before = runner.snapshot.to_bytes()
    clear_away(fs, rng.choice([None, Keep(size=0)]))  # what was begun is finished
    for stream in list_streams(DATA, fs):
        names = fs.list_folder(stream_folder(DATA, stream))
        assert not [name for name in names if name.endswith(".tmp")], "left over"
        assert not [name for name in names if f"{name}.zst" in names], "plain and packed"
    again = Runner(DATA, fs=fs, clock=HeldClock(), notice=notices.append)
    again.start()
    again.catch_up()
    assert again.snapshot.to_bytes() == before, "a number has changed"
    assert again.rebuild().to_bytes() == before, "a number has changed"
    assert notices == []


def check_after_lost_pages(fs: ModelFileSystem, truth: Truth) -> None:
    """Where a sync had failed: what comes next ends with stats that are a fold of the log."""
    truth = truth.copy()
    truth.see(fs)
    stats_of(fs)
    runner = Runner(DATA, fs=fs, clock=HeldClock())
    runner.start()
    runner.catch_up()
    runner.save()
    checked = verify(DATA, fs=fs)
    assert (checked.differences, checked.behind) == ((), 0)
    assert counts_of(runner.snapshot) == truth.counts(runner.snapshot)


def clear_away(fs: ModelFileSystem, keep: Keep | None) -> None:
    """Compress and prune."""
    report = prune(
        DATA, keep, compress=True, lease_seq=lambda _: None, fs=fs, clock=HeldClock(LATER_US)
    )
    assert [stream.error for stream in report.streams.values() if stream.error] == []


class World:
    """Processes on one disk.

    Args:
        disk: The disk.
        rng: Says who acts when.
        promises: Told of what the writer acknowledges.
        truth: What the log holds, and what was saved.
        end_at: The step of any process at which all of them die.
    """

    def __init__(
        self, disk: ModelDisk, rng: Random, promises: Promises, truth: Truth, end_at: int
    ) -> None:
        self.disk = disk
        self._rng = rng
        self._promises = promises
        self._truth = truth
        self._left = end_at
        self._busy: set[str] = set()
        self._processes: list[ModelFileSystem] = []
        self._write = self._process()
        self._fold = self._process()
        self._clear = self._process()
        self._session: Session | None = None
        self._runner: Runner | None = None

    def run(self) -> None:
        """Let all of them act until they die."""
        with suppress(Crashed):
            while True:
                self._act()

    def _process(self) -> ModelFileSystem:
        def before(_operation: str, _name: str) -> None:
            self._left -= 1
            if self._left <= 0:
                for each in self._processes:
                    each.kill()
            elif self._rng.random() < 0.1:
                self._act()

        fs = ModelFileSystem(self.disk, before=before)
        self._processes.append(fs)
        return fs

    def _act(self) -> None:
        acts: dict[str, Callable[[], object]] = {
            "writer": self._work,
            "runner": self._keep,
            "cleaner": self._clean,
        }
        # Who holds a lock that another one waits for goes on first: here nobody can wait.
        free = [name for name in ("writer", "runner", "cleaner") if name not in self._busy]
        if {"runner", "cleaner"} & self._busy:
            free = [name for name in free if name == "writer"]
        if "writer" in self._busy:
            free = [name for name in free if name != "cleaner"]  # it looks at the stream's lock
        if not free:
            return
        name = self._rng.choice(free)
        self._busy.add(name)
        try:
            acts[name]()
        finally:
            self._busy.discard(name)

    def _work(self) -> None:
        if self._session is None:
            self._session = Session(self._write, self._promises)
        elif self._rng.random() < 0.1:
            self._session.close()
            self._session = None
        else:
            self._session.commit(self._rng.randint(1, 4))
            self._truth.see(ModelFileSystem(self.disk))

    def _keep(self) -> None:
        chance = self._rng.random()
        if self._runner is None or chance < 0.1:
            self._runner = Runner(DATA, fs=self._fold, clock=HeldClock(), notice=_unexpected)
            self._runner.start()
        elif chance < 0.15:
            self._runner.rebuild()
        else:
            self._runner.catch_up()
            if chance < 0.7 and self._runner.save():
                self._truth.note_saved(self.disk)

    def _clean(self) -> None:
        keep = self._rng.choice([None, Keep(size=0), Keep(size=1500), Keep(age_s=1.0)])
        clear_away(self._clear, keep)


def _unexpected(text: str) -> None:
    raise AssertionError(f"something had to be mended: {text}")


def _seq(line: bytes) -> int:
    try:
        seq = decode(line).seq
    except InvalidLineError:
        return -1
    assert isinstance(seq, int)
    return seq
