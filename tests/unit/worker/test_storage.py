"""Which errors are trouble of the storage, and how long it is waited for."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from events.errors import EventsError, LogWriteError
from sync_queue.errors import QueueError
from tests.support.held_clock import HeldClock
from worker.errors import StorageError
from worker.options import WorkerOptions
from worker.stopping import StopRequest
from worker.storage import Patience, is_storage_trouble


def caused(error, cause):
    error.__cause__ = cause
    return error


def refused(code):
    cause = sqlite3.OperationalError("no")
    cause.sqlite_errorcode = code
    return caused(QueueError("no"), cause)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        caused(LogWriteError("no"), OSError(errno.EIO, "no")),
        caused(LogWriteError("no"), caused(EventsError("no"), OSError(errno.EROFS, "no"))),
        refused(sqlite3.SQLITE_FULL),
        refused(sqlite3.SQLITE_IOERR | 12 << 8),
        refused(sqlite3.SQLITE_READONLY | 1 << 8),
    ],
    ids=repr,
)
def test_trouble_of_the_storage(error):
    assert is_storage_trouble(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "the folder is gone"),
        OSError("no number"),
        LogWriteError("a forked child"),
        caused(LogWriteError("no"), EventsError("somebody else wrote to it")),
        refused(sqlite3.SQLITE_CORRUPT),
        refused(sqlite3.SQLITE_CONSTRAINT),
        caused(QueueError("no"), sqlite3.ProgrammingError("no code")),
        ValueError("a defect"),
    ],
    ids=repr,
)
def test_other_errors(error):
    assert not is_storage_trouble(error)


FULL = OSError(errno.ENOSPC, "full")


class Rig:
    def __init__(self, *, stop_after=None, **options):
        self.clock = HeldClock()
        self.stop = StopRequest()
        self.stop_after = stop_after
        self.told = []
        self.slept = 0
        self.patience = Patience(
            WorkerOptions(**options),
            clock=self.clock,
            stop=self.stop,
            notice=self.told.append,
            sleep=self.sleep,
        )

    def sleep(self, seconds):
        self.slept += 1
        self.clock.move_s(seconds)
        if self.slept == self.stop_after:
            self.stop.ask()


def test_it_waits_a_moment_and_tells_once():
    rig = Rig(storage_retry_s=2)
    for _ in range(5):
        rig.patience.wait(FULL)
    assert rig.clock.ns == pytest.approx(10e9, rel=0.01)
    assert len(rig.told) == 1
    assert rig.patience.mended()
    assert rig.told[1:] == ["the data folder can be written to again, after 10 s: work goes on"]
    assert not rig.patience.mended()
    rig.patience.wait(FULL)
    assert len(rig.told) == 3


def test_another_error_is_raised_again():
    rig = Rig()
    with pytest.raises(ValueError, match="a defect"):
        rig.patience.wait(ValueError("a defect"))
    assert (rig.told, rig.slept) == ([], 0)


def wait_often(rig):
    for _ in range(10_000):
        rig.patience.wait(FULL)


def give_up(rig):
    """When it did, in seconds."""
    with pytest.raises(StorageError) as gave_up:
        wait_often(rig)
    assert gave_up.value.__cause__ is FULL
    return rig.clock.ns / 1e9


def test_with_drain_it_gives_up_and_each_trouble_has_its_own_time():
    rig = Rig(drain=True, storage_give_up_s=60)
    for _ in range(50):
        rig.patience.wait(FULL)
    assert rig.patience.mended()
    begin_s = rig.clock.ns / 1e9
    assert give_up(rig) - begin_s == pytest.approx(60, abs=1)


def test_without_drain_it_never_gives_up():
    rig = Rig(storage_give_up_s=60, storage_retry_s=5)
    for _ in range(1000):
        rig.patience.wait(FULL)
    assert rig.clock.ns / 1e9 >= 5000
    assert rig.patience.mended()


def test_a_stop_ends_a_wait():
    rig = Rig(stop_after=3, grace_s=5, storage_retry_s=3600)
    rig.patience.wait(FULL)
    assert rig.slept == 3


def test_a_stop_gives_it_the_grace():
    rig = Rig(grace_s=5)
    rig.stop.ask()
    assert give_up(rig) == pytest.approx(6, abs=1)


def test_a_stop_at_once_gives_it_nothing():
    rig = Rig(grace_s=3600)
    rig.stop.ask(at_once=True)
    assert give_up(rig) <= 1.1
