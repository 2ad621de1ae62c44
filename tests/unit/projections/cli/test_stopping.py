from __future__ import annotations

import os
import signal

import pytest

from projections.cli.main import main
from projections.cli.stopping import STOPPING, Signals, stopping_signals
from projections.cli.told_by_worker import Listener
from projections.keeper import Keeper


class Worker:
    def __init__(self):
        self.asked = []

    def stop(self, *, at_once=False):
        self.asked.append(at_once)


@pytest.fixture
def stderr(monkeypatch):
    written = []
    monkeypatch.setattr(os, "write", lambda fd, data: written.append((fd, data)))
    return written


def test_the_first_signal_stops_gracefully_the_second_at_once_and_later_ones_add_nothing(stderr):
    worker, signals = Worker(), Signals()
    signals.pass_to(worker)
    assert worker.asked == []
    for _ in range(3):
        signals.receive()
    assert worker.asked == [False, True, True]
    assert stderr == [(2, STOPPING)]


@pytest.mark.parametrize(("count", "asked"), [(1, [False]), (2, [True])])
@pytest.mark.usefixtures("stderr")
def test_a_worker_hears_of_signals_that_came_before_it(count, asked):
    worker, signals = Worker(), Signals()
    for _ in range(count):
        signals.receive()
    signals.pass_to(worker)
    assert worker.asked == asked


def test_a_closed_stderr_does_not_raise_in_a_handler(monkeypatch):
    def closed(*_):
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", closed)
    worker, signals = Worker(), Signals()
    signals.pass_to(worker)
    signals.receive()
    assert worker.asked == [False]


@pytest.mark.usefixtures("stderr")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_real_signals_are_heard_while_the_block_runs(number):
    before = signal.getsignal(number)
    worker = Worker()
    with stopping_signals() as signals:
        signals.pass_to(worker)
        signal.raise_signal(number)
    assert worker.asked == [False]
    assert signal.getsignal(number) is before


def test_a_signal_during_the_last_save_does_not_prevent_it(tmp_path, monkeypatch):
    saves = []

    def close(keeper):
        signal.raise_signal(signal.SIGTERM)
        original(keeper)
        saves.append(keeper)

    original = Keeper.close
    monkeypatch.setattr(Keeper, "close", close)
    args = ["run", "--handler", "tests.support.worked_jobs:handle", "--drain"]
    assert main([*args, "--data", str(tmp_path)]) == 0
    assert len(saves) == 1


class Closed:
    def write(self, _text):
        raise BrokenPipeError

    def flush(self):
        pass


def test_a_notice_that_nobody_hears_is_nothing(monkeypatch):
    monkeypatch.setattr("sys.stderr", Closed())
    Listener().notice("x")


def test_a_summary_whose_reader_has_gone_asks_for_a_stop_once(monkeypatch):
    listener, asked = Listener(), []
    listener.reader_gone = lambda: asked.append(True)
    monkeypatch.setattr("sys.stdout", Closed())
    listener.summary(["a"])
    listener.summary(["b"])
    assert asked == [True]
    assert isinstance(listener.error, BrokenPipeError)
    fresh = Listener()
    fresh.summary(["a"])  # with nobody to tell
    assert fresh.error is not None
