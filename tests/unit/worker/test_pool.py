from __future__ import annotations

import os
import threading
import time

import pytest

from sync_queue.jobs import LeasedJob
from tests.support.forking import fork, in_forked_child
from tests.support.held_clock import HeldClock
from worker import pool as pool_module
from worker.attempt import Failure
from worker.errors import WorkerError
from worker.handlers.base import Outcome
from worker.pool import HandlerPool
from worker.retry import Decision

FAILED = Failure("Boom", "x", [], "transient", Decision(None, "transient"))
TIMED_OUT = Failure("HandlerTimeout", "late", [], "transient", Decision(1, "transient"))
LONG_S = 30


def leased(number, due_at_us=1_764_000_000_000_000):
    return LeasedJob(number, "metadata", 7, "{}", None, 1, 0, due_at_us, 0, 0, 0, 0)


class Script:
    """Attempts that do what the test says; `gate` holds them, `began` tells of each."""

    def __init__(self, result=None, clock=None, takes_s=0.0):
        self.result = result or Outcome()
        self.clock = clock
        self.takes_s = takes_s
        self.gate = threading.Event()
        self.began = threading.Semaphore(0)
        self.ran = []

    def run(self, job):
        self.ran.append(job.id)
        self.began.release()
        assert self.gate.wait(LONG_S)
        if self.clock:
            self.clock.move_s(self.takes_s)
        return self.result

    def timed_out(self, _job, timeout_s):
        assert timeout_s == 10
        return TIMED_OUT

    def wait_begun(self, count=1):
        for _ in range(count):
            assert self.began.acquire(timeout=LONG_S)


@pytest.fixture
def make():
    pools = []

    def make_pool(script, threads=1, clock=None, timeout_s=None, hold_after=None):
        pool = HandlerPool(
            script,
            threads,
            clock=clock or HeldClock(),
            timeout_s=timeout_s,
            hold_after=hold_after,
        )
        pools.append((pool, script))
        return pool

    yield make_pool
    for pool, script in pools:
        script.gate.set()
        pool.close()


def test_after_so_many_transient_failures_in_a_row_nothing_begins_until_it_may(make):
    script = Script(result=FAILED)
    script.gate.set()
    pool = make(script, hold_after=3)
    pool.submit([(leased(number), 0) for number in range(8)])

    finished = collect(pool, 3)
    back = pool.take_back()

    assert script.ran == [0, 1, 2]
    assert [job.id for job, _ in back] == [3, 4, 5, 6, 7]

    pool.submit(back)
    assert pool.collect(0) == []
    pool.let_on(0)
    finished += collect(pool, 3)
    assert len(finished) == 6
    assert script.ran == [0, 1, 2, 3, 4, 5]
    assert len(pool.take_back()) == 2


def test_other_failures_do_not_hold_it_and_a_success_ends_the_row(make):
    lost = Failure("PlexNotFound", "x", [], "not_found", Decision(1, "not_found"))
    results = [FAILED, lost, FAILED, Outcome(), FAILED, FAILED, lost]
    script = Script()
    script.gate.set()
    script.run = lambda job: (script.ran.append(job.id), results[job.id])[1]
    pool = make(script, hold_after=3)

    pool.submit([(leased(number), 0) for number in range(len(results))])

    assert len(collect_all(pool)) == len(results)


def collect(pool, count):
    """So many results, and not more."""
    finished = []
    deadline = time.monotonic() + LONG_S
    while len(finished) < count:
        assert time.monotonic() < deadline, f"waited in vain for {count} results: {finished}"
        finished += pool.collect(1)
    assert len(finished) == count
    return finished


def collect_all(pool):
    return collect(pool, pool.held)


def test_a_result_comes_back_with_its_job_its_ticket_and_its_times(make):
    clock = HeldClock()
    script = Script(clock=clock, takes_s=0.25)
    script.gate.set()
    pool = make(script, clock=clock)
    pool.submit([(leased(1, due_at_us=clock.us - 3_000), 42)])
    (done,) = collect_all(pool)
    assert (done.job.id, done.ticket, done.result) == (1, 42, Outcome())
    assert done.duration_ns == 250_000_000
    assert done.wait_ns == 3_000_000
    assert pool.held == 0


def test_a_wall_clock_that_was_set_back_gives_no_negative_wait(make):
    clock = HeldClock()
    script = Script()
    script.gate.set()
    pool = make(script, clock=clock)
    pool.submit([(leased(1, due_at_us=clock.us + 5_000_000), 0)])
    assert collect_all(pool)[0].wait_ns == 0


def test_as_many_run_at_once_as_there_are_threads(make):
    script = Script()
    pool = make(script, threads=3)
    pool.submit([(leased(number), 0) for number in range(5)])
    script.wait_begun(3)
    assert sorted(script.ran) == [0, 1, 2]
    script.gate.set()
    assert sorted(done.job.id for done in collect_all(pool)) == [0, 1, 2, 3, 4]


def test_what_no_thread_has_begun_is_taken_back_and_never_runs(make):
    script = Script()
    pool = make(script)
    pool.submit([(leased(1), 10), (leased(2), 20), (leased(3), 30)])
    script.wait_begun()
    assert [(job.id, ticket) for job, ticket in pool.take_back()] == [(2, 20), (3, 30)]
    assert pool.take_back() == []
    assert pool.held == 1
    script.gate.set()
    pool.submit([(leased(4), 0)])  # the wakes that are left over do no harm
    assert [done.job.id for done in collect_all(pool)] == [1, 4]
    assert script.ran == [1, 4]


def test_each_job_is_either_taken_back_or_done(make):
    script = Script()
    script.gate.set()
    pool = make(script, threads=4)
    for _ in range(50):
        script.ran.clear()
        pool.submit([(leased(number), 0) for number in range(8)])
        back = [job.id for job, _ in pool.take_back()]
        done = [done.job.id for done in collect_all(pool)]
        assert sorted(back + done) == list(range(8))
        assert sorted(script.ran) == sorted(done)


def test_an_attempt_that_outlives_its_time_is_answered_and_its_late_result_discarded(make):
    clock = HeldClock()
    script = Script()
    pool = make(script, clock=clock, timeout_s=10)
    pool.submit([(leased(1), 5), (leased(2), 6)])
    script.wait_begun()
    clock.move_s(9)
    assert pool.collect(0) == []
    clock.move_s(1)
    (late,) = pool.collect(LONG_S)
    assert (late.job.id, late.ticket, late.result) == (1, 5, TIMED_OUT)
    assert late.duration_ns == 10_000_000_000
    script.wait_begun()  # another thread has taken the place of the one that hangs
    script.gate.set()
    assert [done.job.id for done in collect_all(pool)] == [2]
    assert pool.collect(0) == []


def test_the_time_of_an_attempt_ends_the_wait_for_others(make):
    clock = HeldClock()
    script = Script()
    pool = make(script, clock=clock, timeout_s=10)
    assert pool.collect(0) == []  # nothing runs
    pool.submit([(leased(1), 0)])
    script.wait_begun()
    clock.move_s(11)
    assert len(pool.collect(3600)) == 1


def test_what_was_abandoned_is_discarded_and_what_ended_before_is_not(make):
    script = Script()
    pool = make(script, threads=2)
    pool.submit([(leased(1), 0)])
    script.wait_begun()
    script.gate.set()
    done = pool._done.get(timeout=LONG_S)
    pool._done.put(done)  # it has ended, and nobody has collected it
    script.gate.clear()
    pool.submit([(leased(2), 0)])
    script.wait_begun()
    assert [job.id for job in pool.abandon()] == [2]
    script.gate.set()
    assert [finished.job.id for finished in collect_all(pool)] == [1]
    assert pool.collect(0.05) == []
    assert pool.held == 0


def test_a_stop_ends_the_wait(make):
    pool = make(Script())
    pool.stop()
    assert pool.collect(LONG_S) == []


def test_after_a_stop_what_runs_ends_and_nothing_begins(make):
    script = Script()
    pool = make(script)
    pool.submit([(leased(number), 0) for number in (1, 2, 3)])
    script.wait_begun()
    pool.stop()
    pool.stop()
    script.gate.set()  # jobs 2 and 3 would end at once
    finished = pool.collect(LONG_S) or pool.collect(LONG_S)  # a stop ends the first wait
    pool.let_on(0)
    assert [done.job.id for done in finished] == [1]
    assert [job.id for job, _ in pool.take_back()] == [2, 3]
    assert script.ran == [1]


@pytest.mark.parametrize(("result", "status"), [(Outcome(), 0), (FAILED, 1)])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_a_handler_forked_ends_when_it_comes_back(result, status):
    def fork_in_handler():
        class Forks:
            def run(self, _job):
                self.child = fork()
                return result

        forks = Forks()
        pool = HandlerPool(forks, 1, clock=HeldClock())
        pool.submit([(leased(1), 0)])
        done = collect_all(pool)
        _, ended = os.waitpid(forks.child, 0)
        pool.close()
        return len(done), os.waitstatus_to_exitcode(ended)

    # In a process of its own: the test run's other threads have no place in a fork.
    assert in_forked_child(fork_in_handler) == str((1, status))


def test_what_has_finished_is_collected_before_the_want_of_threads_is_told(make, monkeypatch):
    clock = HeldClock()
    script = Script()
    finish = threading.Event()
    script.run = lambda job: (
        script.began.release(),
        (script.gate if job.id == 1 else finish).wait(LONG_S),
        Outcome(),
    )[-1]
    pool = make(script, threads=2, clock=clock, timeout_s=10)
    pool.submit([(leased(1), 0), (leased(2), 0)])
    script.wait_begun(2)
    finish.set()
    pool._done.put(pool._done.get(timeout=LONG_S))  # job 2 has ended
    clock.move_s(11)

    def start(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(pool_module.threading.Thread, "start", start)
    assert [done.job.id for done in pool.collect(0)] == [2, 1]
    assert pool.held == 0
    with pytest.raises(WorkerError, match="no thread number 3"):
        pool.collect(0)


def test_a_system_without_more_threads_is_told_in_words(monkeypatch):
    started = []

    def start(thread):
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        original(thread)

    original = threading.Thread.start
    monkeypatch.setattr(pool_module.threading.Thread, "start", start)
    with pytest.raises(WorkerError, match=r"no thread number 3 .* lower --concurrency"):
        HandlerPool(Script(), 3, clock=HeldClock())
    for thread in started:
        thread.join(LONG_S)
        assert not thread.is_alive()
