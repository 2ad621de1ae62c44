from __future__ import annotations

import os
import signal

import pytest

from projections.engines.undisturbed import Undisturbed, deaf, undisturbed


@pytest.fixture(autouse=True)
def hears_interrupts():
    """Whatever this run was started with."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def do(*steps):
    with undisturbed():
        for step in steps:
            step()


def fail():
    raise OSError("so")


def test_an_interrupt_waits_for_the_end():
    did = []
    with pytest.raises(KeyboardInterrupt):
        do(interrupt, lambda: did.append("all"))
    assert did == ["all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_interrupts_twice_does_not_wait():
    did = []
    with pytest.raises(KeyboardInterrupt):
        do(interrupt, interrupt, lambda: did.append("all"))
    assert did == []


def test_an_interrupt_is_told_rather_than_what_came_of_it():
    with pytest.raises(KeyboardInterrupt):
        do(interrupt, fail)


def test_without_an_interrupt_errors_are_what_they_were():
    with pytest.raises(OSError, match="so"):
        do(fail)


def test_signals_that_raise_nothing_are_left_alone():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    do(lambda: signal.getsignal(signal.SIGINT) is signal.SIG_IGN or fail())


def test_all_that_is_held_is_ended_though_it_is_interrupted():
    ended = []
    stack = Undisturbed()
    stack.callback(ended.append, 1)
    stack.callback(interrupt)
    stack.callback(ended.append, 2)
    with pytest.raises(KeyboardInterrupt), stack:
        pass
    assert ended == [2, 1]


def test_what_is_started_deaf_has_the_signals_blocked():
    with deaf():
        assert {signal.SIGINT, signal.SIGHUP} <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
