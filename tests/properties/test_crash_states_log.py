"""Wherever a worker dies, and whatever of its writes a power cut leaves: the log keeps its word."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.crash_checks import check_logs, check_recovery, texts_of
from tests.support.crashing import deaths, dies, found_after
from tests.support.crashing_log import DATA, Promises, Session
from tests.support.left_out import left_out
from tests.support.model_filesystem import ModelFileSystem

EXAMPLES = settings.default.max_examples


def empty():
    """A disk with a data folder."""
    fs = ModelFileSystem()
    fs.make_folder(DATA)
    return fs.disk


def three_commits(fs, promises):
    """A worker's life: commits of several lines, through two changes of segment."""
    session = Session(fs, promises)
    for count in (3, 1, 4):
        session.commit(count)
    session.close()


def one_commit(fs, promises):
    session = Session(fs, promises)
    session.commit(2)
    session.close()


def check_goes_on(fs, promises, rng):
    """Another worker takes the log over and writes; then the power fails."""
    check_recovery(fs, DATA, rng)
    before = check_logs(fs, DATA, promises.lines)
    promises = promises.copy()
    session = Session(fs, promises, boot_id=rng.choice(["boot-1", "boot-2"]))
    session.commit(2)
    session.close()
    after = check_logs(fs, DATA, promises.lines)
    for stream, lines in before.items():
        assert after[stream].items() >= lines.items(), "a whole line was lost"
    for _, later in fs.power_cuts(rng, 3):
        check_logs(later, DATA, promises.lines)


def check_every_death(program, disk, promises, rng, most=EXAMPLES):
    """A worker dies at any step; the machine goes on, or fails too; another worker goes on.

    Returns:
        In how many ways.
    """
    count = 0
    whole = ModelFileSystem(disk.copy())
    written = [texts_of(whole, DATA)]  # a torn line, before it is cut off
    program(whole, promises.copy())
    written.append(texts_of(whole, DATA))
    for fs, told in deaths(program, disk, promises):
        for found in found_after(fs, rng, most):
            for stream, segments in texts_of(found, DATA).items():
                for name, text in segments.items():
                    there = [texts.get(stream, {}).get(name, b"") for texts in written]
                    arrived = text.rstrip(b"\0")
                    assert any(text.startswith(arrived) for text in there), "nobody wrote that"
            check_goes_on(found, told, rng)
            count += 1
    return count


def check_deaths_at_work():
    return check_every_death(three_commits, empty(), Promises(), Random(1))


def check_deaths_at_mending():
    count, rng = 0, Random(2)
    for fs, told in deaths(three_commits, empty(), Promises(), part=0.9):
        if fs.steps[-1][0] != "write" or not told.lines:
            continue
        for found in found_after(fs, rng, 2):
            count += check_every_death(one_commit, found.disk, told, rng, most=12)
    return count


def test_a_worker_that_dies_at_any_step_loses_nothing_that_it_has_acknowledged():
    assert check_deaths_at_work() > 150


def test_one_that_dies_while_it_puts_the_log_in_order_loses_nothing_either():
    assert check_deaths_at_mending() > 300


@given(st.integers(0, 2**32))
def test_worker_after_worker_dies_and_nothing_is_lost(seed):
    """Each is killed, or the power fails, at some step; the next one goes on with what is left."""
    rng = Random(seed)
    disk, promises = empty(), Promises()
    boot = 1
    for _ in range(8):
        counts = [rng.randint(1, 5) for _ in range(rng.randint(0, 6))]

        def program(fs, told, counts=counts, boot=boot):
            session = Session(fs, told, boot_id=f"boot-{boot}", segment_bytes=rng.choice([1, 900]))
            for count in counts:
                session.commit(count)
            session.close()

        fs = ModelFileSystem(disk, crash_at=rng.randint(1, 40), part=rng.random())
        dies(program, fs, promises)
        if rng.random() < 0.5:
            disk = fs.after_kill().disk
        else:
            disk = rng.choice(fs.power_cuts(rng, 6))[1].disk
            boot += rng.random() < 0.7  # else a machine whose boots look alike
        check_logs(ModelFileSystem(disk), DATA, promises.lines)
    check_goes_on(ModelFileSystem(disk), promises, rng)


MUTATIONS = {
    "a commit does not sync": ("sync", "Emitter.commit"),
    "a new segment's name is not synced": ("sync_folder", "StreamWriter._ready_file"),
    "the last segment is not synced before it is believed": ("sync", "ModelFileSystem.sync_file"),
    "what is torn stays": ("truncate", "_mend"),
    "a cut is not synced": ("sync", "ModelFileSystem.truncate"),
    "what is cut off is not synced": ("sync", "_set_aside"),
    "nor its name": ("sync_folder", "recover"),
    "a new folder's name is not synced": ("sync_folder", "ModelFileSystem.make_folder"),
}


@pytest.mark.parametrize(("operation", "within"), MUTATIONS.values(), ids=[*MUTATIONS])
def test_each_step_that_is_left_out_is_missed(operation, within):
    def check():
        check_deaths_at_work()
        check_deaths_at_mending()

    with left_out(operation, within), pytest.raises(AssertionError):
        check()
