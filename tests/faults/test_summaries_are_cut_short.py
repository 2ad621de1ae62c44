"""Who rebuilds, or keeps stats, dies or meets an error at any step of writing summaries."""

from __future__ import annotations

import errno
from random import Random

from projections.runner import Runner
from projections.summaries.store import SUMMARIES_FOLDER
from projections.summaries.summariser import Summariser
from tests.support.crashing import deaths, found_after
from tests.support.crashing_log import DATA, Promises, Session
from tests.support.held_clock import HeldClock
from tests.support.model_disk import ModelDisk
from tests.support.model_filesystem import ModelFileSystem

STATS = DATA / "stats.json"


class Told(list):
    """What runners noticed."""

    def copy(self):
        return Told(self)


def written(segments=3):
    """A log of several segments, on the disk; what it adds up to, and how many it has."""
    fs = ModelFileSystem(ModelDisk())
    fs.make_folder(DATA / "events")
    session = Session(fs, Promises(), segment_bytes=500)
    for _ in range(segments):
        session.commit(3)
    session.close()
    copy = ModelFileSystem(fs.disk.copy())
    return fs.disk, rebuilt(copy, summed=False)


def rebuilt(fs, **options):
    Runner(DATA, fs=fs, clock=HeldClock(), **options).rebuild()
    with fs.open_read(STATS) as file:
        return file.read()


def rebuild(fs, told):
    Runner(DATA, fs=fs, clock=HeldClock(), notice=told.append).rebuild()


def keep(fs, told):
    runner = Runner(DATA, fs=fs, clock=HeldClock(), notice=told.append)
    summariser = Summariser(DATA, fs=fs, failed=told.append)
    summariser.step(runner.snapshot)  # all is sealed from now on
    runner.start()
    runner.catch_up()
    runner._view.made.clear()  # and was folded line by line
    runner.save()
    for _ in range(4):
        summariser.step(runner.snapshot)


def summaries_of(fs):
    (stream,) = fs.list_folder(DATA / SUMMARIES_FOLDER)
    return [n for n in fs.list_folder(DATA / SUMMARIES_FOLDER / stream) if n.endswith(".json")]


def check_every_death(program, disk, right):
    rng, seen = Random(1), set()
    for dead, told in deaths(program, disk, Told()):
        assert told == []
        for found in found_after(dead, rng, most=6):
            if found.disk.key() in seen:
                continue
            seen.add(found.disk.key())
            assert rebuilt(ModelFileSystem(found.disk.copy()), summed=False) == right
            assert rebuilt(found) == right
            assert len(summaries_of(found)) == 1
            assert rebuilt(found) == right
    return len(seen)


def test_a_rebuild_dies_and_the_next_one_makes_the_same():
    assert check_every_death(rebuild, *written()) > 20


def test_so_it_is_where_a_worker_sums_up():
    assert check_every_death(keep, *written()) > 20


def test_so_it_is_where_summaries_of_before_are_replaced():
    disk, _ = written()
    fs = ModelFileSystem(disk)
    rebuilt(fs)
    session = Session(fs, Promises(sessions=1), segment_bytes=500)
    for _ in range(3):
        session.commit(3)
    session.close()
    right = rebuilt(ModelFileSystem(disk.copy()), summed=False)
    assert check_every_death(rebuild, disk, right) > 20


def test_each_step_may_fail_and_no_more_than_a_summary_is_missing():
    disk, right = written()
    whole = ModelFileSystem(disk.copy())
    rebuild(whole, [])
    begin = next(n for n, (_, name) in enumerate(whole.steps) if SUMMARIES_FOLDER in name)
    for code in (errno.ENOSPC, errno.EIO, errno.EACCES):
        for step in range(begin + 1, len(whole.steps) + 1):
            fs = ModelFileSystem(disk.copy(), fail_at={step: code})
            told: list[str] = []
            rebuild(fs, told)
            assert len(told) == 1, "it is said once"
            assert "the summaries of segments cannot be written" in told[0]
            with fs.open_read(STATS) as file:
                assert file.read() == right
            for later in found_after(fs, Random(step), most=3):
                assert rebuilt(later) == right
