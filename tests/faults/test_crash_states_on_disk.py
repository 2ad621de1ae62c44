"""The real code on the real disk, its power cut at any moment: it goes on from what a reboot finds.

strace records what the code asks of the disk. From that, the states are made that a power cut may
leave at each moment, a sample by seed where there are very many; and the code goes on from each.
SQLite's files are taken as they are at the moment (see `tests.support.disk_states`).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from events.clock import SystemClock
from events.errors import SyncStatsError
from events.filesystem import REAL, boot_id
from events.log.owner import OWNER_NAME, read_owner, write_owner
from projections.errors import SnapshotError
from projections.prune import prune
from projections.pruned import Keep
from projections.runner import Runner
from projections.snapshot import parse_snapshot
from projections.verify import verify
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support import worked_jobs
from tests.support.command import COMMAND, clean_env
from tests.support.disk_states import content_of, states_of
from tests.support.saving_program import PART, SAVES
from tests.support.strace import record
from tests.support.workers import Place, ends_of, events_of, repeated_attempts
from worker.retry import Backoff, RetryPolicies
from worker.stats_file import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.strace import Event

SEED = 20261124
MOST = 120
KEEP, KEEP_BYTES = "2KiB", 2048
TORN = b'{"event":"job.succeeded","v":1,"stream":"'
JOBS = ["ok", "low", "permanent", "flaky", "skip", "never", "big error", "ok"]
RUN = (
    *(*COMMAND, "run", "--handler", "tests.support.worked_jobs:handle", "--drain", "--wait"),
    *("--retry-base", "0.001", "--retry-cap", "0.002", "--retry-tries", "2"),
    *("--not-found-base", "0.001", "--not-found-cap", "0.002", "--not-found-tries", "2"),
    *("--segment-bytes", "1500", "--batch", "3", "--concurrency", "1", "--data"),
)
AGAIN = RetryPolicies(Backoff(0.001, 0.002, 2), Backoff(0.001, 0.002, 2))


@dataclass(frozen=True)
class Scene:
    """What was in a folder, what a command did to it, and what it left.

    Attributes:
        data: Where states are built.
        before: What there was.
        events: What was done.
        whole: The segments as they were at last, by path below the data folder.
        jobs: How many jobs were enqueued.
    """

    data: Path
    before: Mapping[str, bytes | None]
    events: Sequence[Event]
    whole: Mapping[str, bytes]
    jobs: int = 0

    @classmethod
    def of(cls, folder, data, *command, jobs=0):
        before = content_of(data)
        events = record(command, data, cwd=folder)
        return cls(folder / "states" / "D", before, events, segments(data), jobs)

    def states(self, most=MOST):
        """The states of all moments; of too many, evenly chosen ones."""
        states = list(states_of(self.events, self.before, Random(SEED)))
        step = max(len(states) / most, 1)
        return [states[int(number * step)] for number in range(min(most, len(states)))]

    def without_sync_of(self, pattern):
        """The same, had the code left out the syncs of these files or folders."""
        events = [
            event
            for event in self.events
            if event.call.name != "sync" or not re.fullmatch(pattern, event.call.path)
        ]
        assert len(events) < len(self.events)
        return replace(self, events=events)


def segments(data):
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted(data.glob("events/*/*.jsonl"))
    }


def reboot(state, data, *, same_place):
    """Make the folder as it is found; ``same_place``: its streams are owned as they were."""
    shutil.rmtree(data, ignore_errors=True)
    state.build(data)
    for owner in data.glob(f"events/*/{OWNER_NAME}"):
        if same_place and read_owner(owner.parent, REAL) is not None:
            owner.unlink()
            write_owner(owner.parent, REAL, boot_id())


def assert_goes_on(scene):
    """From every state: nothing lost, nothing twice, no view ahead of what it is made from.

    By turns in the place where its streams were made, and as a copy, whose worker begins its own.
    """
    states = scene.states()
    for number, state in enumerate(states):
        where = f"state {number}, after event {state.after}"
        reboot(state, scene.data, same_place=number % 2 == 0)
        assert_log_is_a_prefix(scene, state, where)
        assert_stats_are_not_ahead(scene.data, where)
        assert_work_goes_on(scene, state, where)
    return len(states)


def assert_log_is_a_prefix(scene, state, where):
    """Every whole line is one that was written, and none before it is missing."""
    if state.has_hole:
        return
    for path, text in segments(scene.data).items():
        lines = text[: text.rfind(b"\n") + 1]
        assert scene.whole[path].startswith(lines), (where, path)


def assert_stats_are_not_ahead(data, where):
    """stats.json is whole, and a place that the log has."""
    notices = []
    if (data / "stats.json").exists():
        parse_snapshot((data / "stats.json").read_bytes(), where)
    Runner(data, notice=notices.append).start()
    assert notices == [], where


def assert_work_goes_on(scene, state, where):
    data = scene.data
    with closing(Place(data, SystemClock(), boot_id=boot_id())) as place:
        place.worker(worked_jobs.handle, wait=True, batch=3, policies=AGAIN).run()
        counts = place.queue.counts()
        assert (counts.due, counts.scheduled, counts.leased) == (0, 0, 0), where
        letters = {(each.stream, each.seq, each.job_id) for each in place.letters.list()}
        assert len(letters) == len(list(place.letters.list())), where
    ends = ends_of(data)
    assert sorted(ends) == list(range(1, scene.jobs + 1)), where
    assert {len(each) for each in ends.values()} == {1}, (where, ends)
    assert repeated_attempts(data) == [], where
    dead = {
        (event["stream"], event["seq"], event["job_id"])
        for event in events_of(data)
        if event["event"] == "job.failed" and event["to_dlq"]
    }
    assert letters == dead, where
    notices = []
    runner = Runner(data, notice=notices.append)
    runner.start()
    runner.catch_up()
    runner.save()
    found = verify(data)
    assert (notices, found.differences, found.behind) == ([], (), 0), where
    assert (found.duplicates, found.incomplete_lines) == (0, 0), where
    if not state.has_hole:
        assert (found.gaps, found.invalid_lines) == ((), 0), where
    succeeded = sum(end == ["job.succeeded"] for end in ends.values())
    assert runner.snapshot.total().jobs_succeeded == succeeded, where


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where all happens; what jobs leave when they are run again is left here.

    What is recorded happens on the disk. Where memory can be had as one, states are built there:
    their thousands of syncs are not what is tested.
    """
    monkeypatch.chdir(tmp_path)
    memory = Path("/dev/shm")
    with ExitStack() as stack:
        if os.access(memory, os.W_OK):
            built = stack.enter_context(TemporaryDirectory(prefix="syncstats-", dir=memory))
            (tmp_path / "states").symlink_to(built)
        else:
            (tmp_path / "states").mkdir()
        yield tmp_path


def a_worker(folder):
    """A worker drains a queue, over several segments, with dead letters."""
    data = folder / "D"
    with JobQueue(data) as queue:
        queue.enqueue_many(NewJob(7, data={"do": what}) for what in JOBS)
    scene = Scene.of(folder, data, *RUN, data, jobs=len(JOBS))
    assert len(scene.whole) > 2, "it should have begun new segments"
    assert max(len(text) for text in scene.whole.values()) > 8192, "and written over pages"
    (folder / "mended").touch()
    return scene


def a_recovery(folder):
    """A worker has died in the midst of a line, and another one comes."""
    data = folder / "D"
    with JobQueue(data) as queue:
        queue.enqueue_many(NewJob(7, data={"do": what}) for what in JOBS)
    (folder / "mended").touch()
    with closing(Place(data, SystemClock(), boot_id=boot_id())) as place:
        place.worker(worked_jobs.handle, batch=3, policies=AGAIN).run()
        place.queue.enqueue_many(NewJob(7, data={"do": "ok"}) for _ in range(4))
        place.die_with_leases(2)
    last = max(data.glob("events/*/*.jsonl"))
    with last.open("ab") as file:
        file.write(TORN)
    return Scene.of(folder, data, *RUN, data, jobs=len(JOBS) + 4)


def program(name, folder, target):
    command = [sys.executable, "-m", "tests.support.saving_program", name, target]
    return Scene.of(folder, target.parent if name == "stats" else target, *command)


@pytest.mark.slow
def test_a_worker_goes_on_from_whatever_a_power_cut_leaves(folder):
    assert assert_goes_on(a_worker(folder)) > 100


def test_so_does_one_that_was_putting_a_torn_log_in_order(folder):
    scene = a_recovery(folder)
    for state in scene.states():
        kept = [text for path, text in state.files.items() if path.startswith("events/")]
        assert any(text.endswith(TORN) for text in kept), "what was torn off is kept aside"
    assert assert_goes_on(scene) > 40


SEGMENTS = r"events/[^/]+/\d+\.jsonl"


@pytest.mark.parametrize("left_out", [SEGMENTS, r"events/[^/]+"])
def test_without_a_sync_of_the_log_jobs_would_be_lost(folder, left_out):
    scene = a_worker(folder).without_sync_of(left_out)
    with pytest.raises(AssertionError, match="state"):
        assert_goes_on(scene)


def test_the_snapshot_is_whole_and_never_ahead_of_the_log(folder):
    (folder / "D").mkdir()
    scene = program("log", folder, folder / "D")
    assert sum(event.call.name == "rename" for event in scene.events) == SAVES
    assert assert_snapshots_hold(scene) > 40


@pytest.mark.parametrize(
    "left_out", [SEGMENTS, r"events/[^/]+", r"\.syncstats-\w+\.tmp"], ids=str.strip
)
def test_without_a_sync_of_what_it_covers_it_would_be(folder, left_out):
    (folder / "D").mkdir()
    scene = program("log", folder, folder / "D").without_sync_of(left_out)
    with pytest.raises((AssertionError, SnapshotError)):
        assert_snapshots_hold(scene)


def assert_snapshots_hold(scene):
    states = scene.states()
    for state in states:
        where = f"after event {state.after}"
        reboot(state, scene.data, same_place=True)
        assert_log_is_a_prefix(scene, state, where)
        assert_stats_are_not_ahead(scene.data, where)
        told = Runner(scene.data).rebuild().total()
        assert told.jobs_processed <= SAVES * PART
    return len(states)


def test_stats_that_were_told_to_be_saved_are_in_the_file(folder):
    assert assert_stats_hold(saved_stats(folder)) > 15


@pytest.mark.parametrize("left_out", [r"", r"\.syncstats-\w+\.tmp"])
def test_without_a_sync_of_file_or_folder_they_would_not_be(folder, left_out):
    with pytest.raises(AssertionError):
        assert_stats_hold(saved_stats(folder).without_sync_of(left_out))


def saved_stats(folder):
    (folder / "S").mkdir()
    return program("stats", folder, folder / "S" / "stats.json")


def assert_stats_hold(scene):
    states = scene.states()
    for state in states:
        done = [event.call.path for event in scene.events[: state.after]].count("stats.json.told")
        reboot(state, scene.data, same_place=True)
        path = scene.data / "stats.json"
        assert not path.exists() or path.stat().st_size
        saved = load(path).jobs_succeeded
        assert max(done - 1, 0) <= saved <= done, state.after  # the first was to make the file
    return len(states)


def a_housekeeping(folder):
    """A log whose older half is pruned, and the rest compressed; and the stats, which stay."""
    data = folder / "D"
    with JobQueue(data) as queue:
        queue.enqueue_many(NewJob(7, data={"do": what}) for what in [*JOBS, *JOBS])
    subprocess.run([*RUN, data], cwd=folder, env=clean_env(), check=True, capture_output=True)
    scene = Scene.of(
        folder, data, *COMMAND, *("prune", "--keep", KEEP, "--compress", "--data", data)
    )
    names = [path.name for path in data.glob("events/*/*")]
    assert "summary.json" in names
    assert any(name.endswith(".zst") for name in names)
    return scene, (data / "stats.json").read_bytes()


def assert_numbers_stay(scene, stats):
    """From every state the numbers are what they were; a next call finishes what was begun."""
    states = scene.states(most=60)
    for state in states:
        where = f"after event {state.after}"
        reboot(state, scene.data, same_place=True)
        assert_stats_are_not_ahead(scene.data, where)
        found = verify(scene.data)
        assert (found.differences, found.gaps, found.invalid_lines) == ((), (), 0), where
        done = prune(scene.data, Keep(size=KEEP_BYTES), compress=True, lease_seq=lambda _: None)
        assert done.ok, where
        Runner(scene.data).rebuild()
        assert (scene.data / "stats.json").read_bytes() == stats, where
        assert verify(scene.data).ok, where
    return len(states)


def test_pruning_and_compressing_change_no_number_wherever_the_power_is_cut(folder):
    assert assert_numbers_stay(*a_housekeeping(folder)) == 60


@pytest.mark.parametrize(
    "left_out",
    [r"events/[^/]+", r"events/[^/]+/\.syncstats-\w+(\.zst)?\.tmp"],
    ids=["names", "data"],
)
def test_without_a_sync_of_what_takes_their_place_they_would(folder, left_out):
    scene, stats = a_housekeeping(folder)
    with pytest.raises((AssertionError, SyncStatsError)):
        assert_numbers_stay(scene.without_sync_of(left_out), stats)
