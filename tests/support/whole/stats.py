"""What is done with the log and the stats: saved, rebuilt, replayed, joined, compressed."""

from __future__ import annotations

import io
import json
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import event

from events.log.sealing import compress_segment, sealed_segments
from projections.errors import ForkError
from projections.join import join
from projections.prune import prune
from projections.pruned import Keep
from projections.replay import replay
from projections.runner import Runner
from projections.snapshot import Snapshot, parse_snapshot
from tests.support.whole.copies import Copies
from tests.support.whole.process import Process
from tests.support.whole.records import Written, stats_of
from tests.support.whole.truth import assert_counts, check_saved

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

    from tests.support.whole.site import Site
    from tests.support.whole.workers import Batch, Crash

History = dict[str, tuple[Written, ...]]


class Kept(NamedTuple):
    """A snapshot that somebody has put away, and the lines that it covers."""

    snapshot: Snapshot
    history: History


class Stats(Copies):
    """Data folders whose logs are folded.

    Attributes:
        kept: The last snapshots that were put away.
    """

    def __init__(self, root: Path, *, reuses_folders: bool) -> None:
        super().__init__(root, reuses_folders=reuses_folders)
        self.kept: list[Kept] = []

    def save(self, site: Site, crash: Crash) -> None:
        process = Process(site)
        runner = Runner(site.data, fs=process.fs, clock=self.clock)

        def save() -> None:
            runner.start()
            runner.catch_up()
            runner.save()

        self._saves(site, process, crash, save)

    def save_late(self, site: Site) -> None:
        """One who read the log a while ago saves after another; it lives on, for the next time."""
        if site.keeper is None:
            site.keeper = Runner(site.data, fs=Process(site).fs, clock=self.clock)
            site.keeper.start()
        site.keeper.catch_up()
        site.keeper.save()
        self.work(site, [(0, ["high"], 0)], None, None)
        site.keeper.catch_up()
        self.work(site, [(0, ["dead"], 0)], None, None)
        self.save(site, None)
        before = _positions(site)
        site.keeper.save()
        now = _positions(site)
        assert all(now[stream] >= seq for stream, seq in before.items()), "older over newer"

    def save_unsynced(self, site: Site, sevenths: int) -> None:
        """A worker dies before it has synced, somebody saves, and the power fails."""
        self.work(site, [(0, ["high"], 0)], None, ("write", True, None))
        self.save(site, None)
        self.power_cut(site, sevenths)

    def rebuild(self, site: Site, crash: Crash) -> None:
        process = Process(site)
        runner = Runner(site.data, fs=process.fs, clock=self.clock)
        self._saves(site, process, crash, runner.rebuild)

    def _saves(self, site: Site, process: Process, crash: Crash, how: Callable[[], object]) -> None:
        if self.doing(site, process, crash, how):
            process.end()
            if site.has_lost:
                # Lines stood twice, where a sync had failed, and now once: the totals are the same,
                # but what a save goes on from counts duplicates that are gone.
                Runner(site.data, fs=site.place.fs, clock=self.clock).rebuild()
                site.has_lost = False
            check_saved(site)

    def keep(self, site: Site) -> None:
        """Save, and put a copy away."""
        self.save(site, None)
        path = site.data / "stats.json"
        if path.exists():
            kept = Kept(parse_snapshot(path.read_bytes(), str(path)), site.model.histories())
            self.kept = [*self.kept[-8:], kept]

    def restore(
        self, site: Site, which: int, batches: list[Batch], *, mirrored: bool, keep_stats: bool
    ) -> None:
        self.keep(site)
        super().restore(site, which, batches, mirrored=mirrored, keep_stats=keep_stats)
        self.join([])  # with what was kept of what is gone

    def restore_part(
        self, site: Site, part: str, batches: list[Batch], crash: Crash, *, lost: bool
    ) -> None:
        self.keep(site)
        super().restore_part(site, part, batches, crash, lost=lost)
        if part == "log":
            self.save(site, None)  # it says that the log has lost what it counted

    def join(self, which: Sequence[int]) -> None:
        """Join snapshots of now and kept ones: right, or refused where a stream has two histories.

        ``which``: the kept ones; all, where there are none.
        """
        for site in self.sites:
            self.keep(site)
        if not self.kept:
            return
        now = self.kept[-len(self.sites) :]
        some = [*now, *(self.kept[n % len(self.kept)] for n in which)] if which else self.kept
        longest, forked = _histories(some)
        snapshots = [kept.snapshot for kept in some]
        try:
            joined, refused = reduce(join, snapshots), ""
        except ForkError as error:
            joined, refused = Snapshot.empty(), str(error)
        event("join refused" if refused else "joined")
        if forked:
            assert refused, f"two histories of {forked} were joined"
            assert any(repr(stream) in refused for stream in forked)
            return
        assert not refused, refused
        lines = [line for history in longest.values() for line in history]
        assert_counts(joined, stats_of(line.outcome for line in lines if line.outcome))
        assert reduce(join, [*reversed(snapshots), *snapshots]) == joined

    def replay(self, site: Site, rng: Random) -> None:
        """Fold the files in any order; of a pruned log, its streams."""
        paths = sorted((site.data / "events").glob("*/*.jsonl*"))
        if any((path.parent / "summary.json").exists() for path in paths):
            paths = sorted({path.parent for path in paths})
        if not paths:
            return
        rng.shuffle(paths)
        again = replay([str(path) for path in paths], stdin=io.BytesIO()).snapshot
        assert_counts(again, stats_of(site.model.outcomes()))

    def compress(self, site: Site, crash: Crash) -> None:
        """Compress what is sealed, as far as one comes."""
        process = Process(site)

        def compress() -> None:
            with process.fs.lock(site.data / "housekeeping.lock"):
                for stream in sorted(site.model.logs):
                    folder = site.data / "events" / stream
                    for segment in sealed_segments(folder, process.fs):
                        compress_segment(segment, process.fs)

        self.doing(site, process, crash, compress)
        process.end()

    def prune(self, site: Site, size: int, crash: Crash, *, compress: bool) -> None:
        """Remove the oldest segments until the log takes so many bytes."""
        self.save(site, None)
        process = Process(site)

        def lease_seq(stream: str) -> int | None:
            return min((job.lease_seq for job in process.queue.leases(stream)), default=None)

        def carry_out() -> None:
            done = prune(
                site.data,
                Keep(size=size),
                compress=compress,
                lease_seq=lease_seq,
                fs=process.fs,
                clock=self.clock,
            )
            assert done.ok, done
            event(f"pruned: {any(each.removed_segments for each in done.streams.values())}")

        if self.doing(site, process, crash, carry_out):
            process.end()
            check_saved(site)


def _positions(site: Site) -> dict[str, int]:
    """How far stats.json goes, by stream."""
    path = site.data / "stats.json"
    streams = json.loads(path.read_bytes())["streams"] if path.exists() else {}
    return {stream: entry["position"]["seq"] for stream, entry in streams.items()}


def _histories(kept: Sequence[Kept]) -> tuple[History, set[str]]:
    """The longest history of each stream, and the streams that have two."""
    longest: History = {}
    forked = set()
    for _, history in kept:
        for stream, lines in history.items():
            shorter, longer = sorted((longest.get(stream, ()), lines), key=len)
            longest[stream] = longer
            if longer[: len(shorter)] != shorter:
                forked.add(stream)
    return longest, forked
