"""Writer, runner, compression and pruning at once; whatever a crash leaves, stats.json is right."""

from __future__ import annotations

import errno
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.pruned import Keep
from projections.runner import Runner
from tests.support.crashing import deaths, found_after
from tests.support.crashing_log import DATA, Promises, Session
from tests.support.crashing_stats import (
    Truth,
    World,
    check_after_lost_pages,
    check_all,
    clear_away,
)
from tests.support.held_clock import HeldClock
from tests.support.left_out import left_out
from tests.support.model_filesystem import ModelFileSystem

EXAMPLES = settings.default.max_examples


def empty():
    fs = ModelFileSystem()
    fs.make_folder(DATA)
    return fs.disk


def new_runner(fs):
    runner = Runner(DATA, fs=fs, clock=HeldClock())
    runner.start()
    return runner


def save(runner, truth, disk):
    runner.catch_up()
    if runner.save():
        truth.note_saved(disk)


def saved_beside(writer, runner, truth):
    """A writer commits; whenever it is about to sync, a runner folds what it wrote, and saves."""
    runner = new_runner(runner)
    session = Session(writer, Promises(), segment_bytes=500)

    def before(operation, _name):
        if operation in {"sync", "sync_folder"}:
            writer.before = None  # one of them at a time
            save(runner, truth, writer.disk)
            writer.before = before

    writer.before = before
    for count in (1, 2, 2):
        session.persist(count)
    session.close()
    save(runner, truth, writer.disk)


def runner_dies(fs, truth):
    saved_beside(ModelFileSystem(fs.disk), fs, truth)


def writer_dies(fs, truth):
    saved_beside(fs, ModelFileSystem(fs.disk), truth)


def written():
    """A log of several segments, and its stats."""
    fs, truth = ModelFileSystem(empty()), Truth()
    session = Session(fs, Promises(), segment_bytes=500)
    for _ in range(4):
        session.commit(3)
    session.close()
    truth.see(fs)
    save(new_runner(fs), truth, fs.disk)
    return fs.disk, truth


def compresses(fs, truth):
    del truth
    clear_away(fs, None)


def prunes(fs, truth):
    del truth
    clear_away(fs, Keep(size=0))


def check_every_death(program, disk, truth, most=12, **options):
    """A program dies at every step; whatever is found then is right, and can be gone on with."""
    rng, seen = Random(1), set()
    for fs, told in deaths(program, disk, truth, **options):
        told.see(fs.after_kill())
        for found in found_after(fs, rng, most):
            key = found.disk.key(), told.key()
            if key not in seen:
                seen.add(key)
                check_all(found, told, rng)
    return len(seen)


def check_saving():
    return check_every_death(runner_dies, empty(), Truth(), most=3) + check_every_death(
        writer_dies, empty(), Truth(), most=3
    )


def check_renewing(failing):
    """One of the writer's syncs fails, it writes what is missing again, and all die after that."""
    rng, count = Random(failing), 0
    whole = ModelFileSystem(empty())
    writer_dies(whole, Truth())
    syncs = [
        n for n, (step, name) in enumerate(whole.steps, 1) if step == "sync" and "jsonl" in name
    ]
    begin = syncs[failing]
    for fs, told in deaths(writer_dies, empty(), Truth(), begin=begin, fail_at={begin: errno.EIO}):
        told.see(fs.after_kill())
        for found in found_after(fs, rng, most=8):
            check_after_lost_pages(found, told)
            count += 1
    return count


def check_compressing():
    return check_every_death(compresses, *written())


def check_pruning():
    return check_every_death(prunes, *written())


@pytest.mark.parametrize(
    "check", [check_saving, check_compressing, check_pruning], ids=lambda check: check.__name__[6:]
)
def test_a_process_dies_at_any_step_and_stats_stay_a_fold_of_what_is_on_the_disk(check):
    assert check() > 60


@pytest.mark.parametrize("failing", range(3))
def test_so_they_are_after_a_failed_sync(failing):
    assert check_renewing(failing) > 10


@settings(max_examples=EXAMPLES // 6)
@given(st.integers(0, 2**32))
def test_all_at_once_and_in_the_midst_of_one_another(seed):
    """They work on one data folder until all of them die, or the power fails; three times."""
    rng, disk, promises, truth = Random(seed), empty(), Promises(), Truth()
    for _ in range(3):
        World(disk, rng, promises, truth, end_at=rng.randint(1, 250)).run()
        found = [*found_after(ModelFileSystem(disk), rng, most=4)]
        disk = rng.choice(found).disk.copy()
        for each in found:
            check_all(each, truth, rng)
        truth.see(ModelFileSystem(disk))


MUTATIONS = {
    "stats.json is not synced before its rename": ("sync", "SnapshotStore.replace", check_saving),
    "stats.json's rename is not synced": ("sync_folder", "SnapshotStore.replace", check_saving),
    "the log is not synced before stats.json": ("sync", "ReadSegments.sync", check_saving),
    "the compressed file is not synced": ("sync", "_pack", check_compressing),
    "nor its name": ("sync_folder", "compress_segment", check_compressing),
    "the summary is not synced": ("sync", "write_summary", check_pruning),
    "nor its name, before segments go": ("sync_folder", "write_summary", check_pruning),
}


@pytest.mark.parametrize(("operation", "within", "check"), MUTATIONS.values(), ids=[*MUTATIONS])
def test_each_step_that_is_left_out_is_missed(operation, within, check):
    with left_out(operation, within), pytest.raises(AssertionError):
        check()
