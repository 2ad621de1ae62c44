"""How often a worker's keeper writes ``stats.json``: at most once a second."""

from __future__ import annotations

import threading

from events.filesystem import RealFileSystem
from projections.keeper import SAVE_EVERY_S, Keeper
from projections.runner import Runner
from tests.support.held_clock import HeldClock
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded

SAVES = 5


class HeldEnd(threading.Event):
    """The keeper's own end: waiting for it moves a clock, and brings new work meanwhile."""

    def __init__(self, clock, work):
        super().__init__()
        self.clock = clock
        self.work = work
        self.waits = 0
        self.done = threading.Event()

    def wait(self, timeout=None):
        if self.waits > SAVES:
            self.done.set()
            return super().wait(60)
        self.work(self.waits)
        self.waits += 1
        self.clock.move_s(timeout)
        return self.is_set()


class Noting(RealFileSystem):
    """Notes when ``stats.json`` was replaced."""

    def __init__(self, clock):
        self.clock = clock
        self.times_s = []

    def replace_file(self, path, data, mode=None):
        super().replace_file(path, data, mode)
        if path.name == "stats.json":
            self.times_s.append(self.clock.ns / 10**9)


def test_saves_are_a_second_apart_however_much_is_new(tmp_path):
    clock = HeldClock()
    fs = Noting(clock)
    keeper = Keeper(tmp_path, Runner(tmp_path, fs=fs), fs=fs)
    end = HeldEnd(clock, lambda seq: append(segment(tmp_path), succeeded(seq, "a")))
    keeper._end = end
    keeper.start()
    assert end.done.wait(60)
    saved_s = list(fs.times_s)
    keeper.close()

    assert SAVE_EVERY_S >= 1.0
    assert saved_s == [SAVE_EVERY_S * number for number in range(1, SAVES + 2)]
