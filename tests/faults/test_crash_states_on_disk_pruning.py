"""Power is cut while a log is pruned and compressed: no number changes."""

from __future__ import annotations

import subprocess

import pytest

from events.errors import SyncStatsError
from projections.prune import prune
from projections.pruned import Keep
from projections.runner import Runner
from projections.verify import verify
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support.command import COMMAND, clean_env
from tests.support.power_cuts import (
    JOBS,
    RUN,
    Scene,
    assert_stats_are_not_ahead,
    reboot,
    states_in_memory,
)

KEEP, KEEP_BYTES = "2KiB", 2048


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with states_in_memory(tmp_path):
        yield tmp_path


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
