"""Power is cut while stats are saved: they are whole, not ahead of the log, not older than told."""

from __future__ import annotations

import sys

import pytest

from projections.errors import SnapshotError
from projections.runner import Runner
from tests.support.power_cuts import (
    SEGMENTS,
    Scene,
    assert_log_is_a_prefix,
    assert_stats_are_not_ahead,
    reboot,
    states_in_memory,
)
from tests.support.saving_program import PART, SAVES
from worker.stats_file import load


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with states_in_memory(tmp_path):
        yield tmp_path


def program(name, folder, target):
    command = [sys.executable, "-m", "tests.support.saving_program", name, target]
    return Scene.of(folder, target.parent if name == "stats" else target, *command)


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
