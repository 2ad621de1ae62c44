"""The real queue, log, dead letters, take-over and stats are where the protocol's model may be.

What is driven and compared, and where the grain differs, is told in `tests.support.conformance`.
"""

from __future__ import annotations

import os
import re
from contextlib import closing, contextmanager
from random import Random
from unittest.mock import patch

import pytest

from tests.model.search import search
from tests.model.world import Limits
from tests.support.conformance import Bench
from tests.support.conformance_walk import drain, follow, walk
from worker.takeover import MAX_LOSSES

IS_SEARCH = os.environ.get("HYPOTHESIS_PROFILE") == "search"
WALKS = 150 if IS_SEARCH else 16
STEPS = 300
NO_END = 10**9
MOST = 200
"""Halts that no path needs; without any event in the log, nothing is ever saved."""

QUIET = Limits(jobs=20, crashes=NO_END, as_code=True, losses=MAX_LOSSES, stale=True)

PARTINGS = {
    "ack-first": "applies first",
    "queue-before-dead-letter": "applies 0:0",
    "release-before-apply": "takes over the lease of 0 (lost)",
    "leases-kept": "",
    "no-sync-at-takeover": "",
    "lease-by-clock": "lets the lease of 0 expire",
    "no-lease-seq": "applies 0:0",
    "lost-lease-not-moved": "",
    "snapshot-unsynced": "save stats to 0:1",
    "no-worker-lost": "releases leases of 0",
    "attempt-not-raised": "",
}
"""The step that the unbroken protocol does not have; "": it has all, and no promise is broken."""
SECOND_LOSS = {"leases-kept", "no-worker-lost"}
"""Those whose way leads by a job that runs again after it was lost."""


@pytest.mark.parametrize("name", PARTINGS)
def test_the_code_goes_each_way_to_a_broken_promise_as_far_as_it_may(tmp_path, name):
    losses = 2 if name in SECOND_LOSS else 1
    crashes = 1 if name == "lost-lease-not-moved" else 2  # one is enough, and found sooner
    limits = Limits(as_code=True, losses=losses, crashes=crashes)
    path = search(limits._replace(broken=frozenset({name}))).way
    with (
        patch("worker.takeover.MAX_LOSSES", losses),
        closing(Bench(tmp_path / "data", limits._replace(crashes=NO_END))) as bench,
    ):
        left = path[follow(bench, path) :]
        assert [re.sub(r"^worker \d ", "", step.name) for step in left[:1]] == (
            [PARTINGS[name]] if PARTINGS[name] else []
        )
        bench.begin_runner()
        while bench.history[-1] != "runner: replace stats.json" and len(bench.history) < MOST:
            bench.run(bench.runners[0])
        drain(bench)


@contextmanager
def bench_of(folder, rng):
    limits = Limits(
        workers=rng.choice([2, 3]),
        jobs=rng.choice([1, 2, 4]),
        crashes=NO_END,
        queues=NO_END,
        as_code=True,
        losses=rng.choice([2, MAX_LOSSES]),
        retries=2,
        stale=True,
    )
    with (
        patch("worker.takeover.MAX_LOSSES", limits.losses),
        closing(Bench(folder, limits, segment_bytes=rng.choice([1, 400, 1 << 20]))) as bench,
    ):
        yield bench


@pytest.mark.parametrize("seed", range(WALKS))
def test_whatever_happens_the_code_is_where_the_model_may_be(tmp_path, seed):
    rng = Random(seed)
    with bench_of(tmp_path / "data", rng) as bench:
        walk(bench, rng, STEPS)
        drain(bench)


@pytest.fixture
def bench(tmp_path):
    with closing(Bench(tmp_path / "data", QUIET)) as bench:
        yield bench


def succeed(bench):
    """Let a worker, which lives or is begun, record that a job succeeded."""
    worker = bench.workers.get(0) or bench.start(0)
    reach(bench, worker, "idle")
    worker.claim()
    reach(bench, worker, "idle")
    worker.record("success", claim=0)
    reach(bench, worker, "idle")


def reach(bench, worker, where):
    """Let a worker go on to where it halts next before such a step."""
    bench.go_on(worker)
    while worker.thread.where != where:
        bench.go_on(worker)


def save(bench, runner, until="idle"):
    """Let a keeper of the stats go on likewise."""
    bench.run(runner)
    while runner.thread.where != until:
        bench.run(runner)


def test_a_keeper_that_is_late_puts_nothing_older_in_place(bench):
    bench.begin_runner()
    bench.begin_runner()
    late, other = bench.runners
    for runner in (late, other):
        succeed(bench)
        save(bench, runner)
        save(bench, runner)
    succeed(bench)
    save(bench, late, until="save")  # it has read, and is held up
    succeed(bench)
    save(bench, other)
    assert bench.seen.saved == (4, 0)
    save(bench, late)
    assert bench.seen.saved == (4, 0)


def test_a_keeper_killed_at_any_step_leaves_whole_stats(bench):
    steps = 0
    while True:
        succeed(bench)
        bench.begin_runner()
        (runner,) = bench.runners
        for _ in range(steps):
            bench.run(runner)
        bench.kill_runner(runner)
        if bench.seen.saved[0] == len(bench.seen.streams[0].log):
            break
        steps += 1
    assert steps > 4
    assert "runner: replace stats.json" in bench.history


EVERYTHING = {
    *("give_back", "interrupt", "apply", "insert", "take_over", "release_lost", "lock", "write"),
    *("sync", "bring", "make", "cut", "replace", "kill", "power", "all", "save", "fail"),
}


def test_the_walks_come_by_everything(tmp_path):
    done = set()
    for seed in range(12):
        rng = Random(f"by everything {seed}")
        with bench_of(tmp_path / str(seed), rng) as bench:
            walk(bench, rng, STEPS)
            done.update(step.split(": ")[-1].split()[0] for step in bench.history)
        if done >= EVERYTHING:
            return
    assert done >= EVERYTHING
