"""Writes and syncs of the log fail, once or for a while; then the worker dies, or the power fails.

A failed sync drops pages that go on being readable until the power fails, and later syncs of the
file succeed: see `tests.support.model_disk`.
"""

from __future__ import annotations

import errno
from contextlib import suppress
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.errors import SyncStatsError
from events.log.writer import StreamWriter
from tests.support.crash_checks import check_logs, check_recovery
from tests.support.crashing import deaths, dies
from tests.support.crashing_log import DATA, Promises, Session
from tests.support.left_out import left_out
from tests.support.model_filesystem import ModelFileSystem

CODES = [errno.ENOSPC, errno.EIO]
FAILURES = [(errno.ENOSPC, 1), (errno.EIO, 1), (errno.ENOSPC, 2), (errno.EIO, 4)]
MOST = settings.default.max_examples // 10
"""How many power cuts are tried where there are more."""


def empty():
    fs = ModelFileSystem()
    fs.make_folder(DATA)
    return fs.disk


def waits_it_out(fs, promises):
    """A worker's life through two changes of segment, for as long as trouble lasts."""
    with suppress(OSError, SyncStatsError):
        session = Session(fs, promises)
        for count in (3, 1, 2):
            session.persist(count)
        session.close()


def steps_of(program, disk):
    fs = ModelFileSystem(disk.copy())
    program(fs, Promises())
    return len(fs.steps)


def check_goes_on(fs, promises, rng):
    """Another worker takes the log over and writes; then the power fails."""
    check_recovery(fs, DATA, rng, after_lost_pages=True)
    promises = promises.copy()
    session = Session(fs, promises)
    session.commit(2)
    session.close()
    check_logs(fs, DATA, promises.lines, after_lost_pages=True)
    for _, later in fs.power_cuts(rng, 3):
        check_logs(later, DATA, promises.lines, after_lost_pages=True)


def gives_up(fs, promises):
    """A worker that does not wait: at the first error it cuts off what is not on the disk."""
    with suppress(OSError, SyncStatsError):
        session = Session(fs, promises)
        try:
            for count in (3, 1, 2):
                session.persist(count, tries=1)
        except SyncStatsError:
            session.abandon()
        else:
            session.close()


def deaths_after_failures(program, code, times, rng):
    """A program's steps fail, each in turn and so many from there on; it dies at each later one."""
    for failing in range(1, steps_of(program, empty()) + 1):
        fail_at = {failing + more: code for more in range(times)}
        part = rng.random()
        yield from deaths(program, empty(), Promises(), begin=failing, fail_at=fail_at, part=part)


def check_power_cuts(code, times):
    rng, count = Random(times), 0
    for fs, told in deaths_after_failures(waits_it_out, code, times, rng):
        for _, found in fs.power_cuts(rng, most=MOST):
            check_logs(found, DATA, told.lines, after_lost_pages=True)
            check_goes_on(found, told, rng)
            count += 1
    return count


def check_kills(code, times):
    rng, count = Random(times), 0
    for fs, told in deaths_after_failures(waits_it_out, code, times, rng):
        check_goes_on(fs.after_kill(), told, rng)
        count += 1
    return count


@pytest.mark.parametrize(("code", "times"), FAILURES)
def test_a_power_cut_after_a_failure_takes_nothing_that_was_acknowledged(code, times):
    assert check_power_cuts(code, times) > 300


@pytest.mark.parametrize(("code", "times"), FAILURES)
def test_who_takes_over_after_a_failure_believes_only_what_is_on_the_disk(code, times):
    """What a failed sync has dropped, the next worker still sees; then the power fails."""
    assert check_kills(code, times) > 100


@pytest.mark.parametrize("times", [1, 2])
def test_who_gives_up_leaves_nothing_that_only_seems_to_be_on_the_disk(times):
    rng, disk = Random(times), empty()
    for failing in range(1, steps_of(gives_up, disk) + 1):
        fail_at = {failing + more: errno.EIO for more in range(times)}
        fs, told = ModelFileSystem(disk.copy(), fail_at=fail_at, part=0.6), Promises()
        gives_up(fs, told)
        check_goes_on(fs.after_kill(), told, rng)


def work_on(fs, promises, boot, rng):
    """A worker that tries to start until it can, and waits all trouble out."""
    for _ in range(9):
        with suppress(OSError, SyncStatsError):
            session = Session(fs, promises, boot_id=f"boot-{boot // 2}", segment_bytes=500)
            for _ in range(rng.randint(0, 6)):
                session.persist(rng.randint(1, 4))
            session.close()
            return


@given(st.integers(0, 2**32))
def test_worker_after_worker_meets_failures_and_nothing_is_lost(seed):
    """Steps fail by chance; workers wait that out, or die of a power cut."""
    rng = Random(seed)
    disk, promises = empty(), Promises()
    for boot in range(6):
        fs = ModelFileSystem(disk, part=rng.random(), crash_at=rng.randint(10, 120))
        fs.fail_at = {n: rng.choice(CODES) for n in range(1, 120) if rng.random() < 0.1}
        dies(lambda fs, told, boot=boot: work_on(fs, told, boot, rng), fs, promises)
        disk = rng.choice(fs.power_cuts(rng, 6))[1].disk
        check_logs(ModelFileSystem(disk), DATA, promises.lines, after_lost_pages=True)
    check_goes_on(ModelFileSystem(disk), promises, rng)


def sync_again(writer):
    """The mistake that nearly everybody makes: to sync again where a sync has failed."""
    if writer._file is None:
        return renew(writer)
    writer._poison = None
    writer.sync()
    return writer


renew = StreamWriter.renew
MUTATIONS = {
    "a failed sync is tried again": patch.object(StreamWriter, "renew", sync_again),
    "what is written again is not synced": left_out("sync", "StreamWriter.renew"),
    "the new segment's name is not synced": left_out("sync_folder", "StreamWriter.renew"),
    "a take-over only syncs what stands there": left_out("write_again", "_mend"),
}


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=[*MUTATIONS])
def test_each_mistake_is_found(mutation):
    def check():
        check_kills(errno.EIO, 1)
        check_power_cuts(errno.EIO, 1)

    with mutation, pytest.raises(AssertionError):
        check()
