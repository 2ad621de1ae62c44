"""Any history of data folders against a model in plain dicts.

Workers claim, finish, meet disks that refuse, stop and die at any step; segments are begun,
compressed and pruned; folders are copied, restored, in part too, and joined; stats are saved,
rebuilt and replayed; dead letters are retried. After every step the queue, the log, the dead
letters and the stats are what the model says, and the model is what was promised: each job that
was enqueued waits, is leased, or has ended once.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.support.mutations import MUTATIONS
from tests.support.whole.copies import PARTS
from tests.support.whole.stats import Stats
from tests.support.whole.truth import check, check_rest

IN_MEMORY = Path("/dev/shm")  # what a power cut takes is taken by the machine; syncs are slow

numbers = st.integers(0, 5)
keys = st.lists(st.sampled_from([None, None, "k", "k", "l"]), min_size=1, max_size=5)
sizes = st.sampled_from([1, 400, 900, 1 << 20])
names = ["write", "sync", "insert", "apply", "release_lost", "replace_file", "retry_dead"]
crashes = st.none() | st.tuples(
    st.sampled_from(names) | st.integers(1, 12),
    st.booleans(),
    st.sampled_from([None, 0, 1, 3, 6]),
)
troubles = st.none() | st.tuples(
    st.sampled_from(["write", "sync"]), st.integers(0, 7), st.booleans()
)
hows = st.sampled_from(["high", "low", "skip", "retry", "not found", "dead", "dead"])
batch = st.tuples(numbers, st.lists(hows, min_size=1, max_size=3), st.integers(0, 2))
batches = st.lists(batch, min_size=1, max_size=3)
some_work = st.lists(batch, max_size=2)
FOUND_AT_ONCE = ("acknowledge-first", "leases-kept", "attempt-not-raised", "stats-in-place")


class WholeMachine(RuleBasedStateMachine):
    """Each rule lets some work be done first, since a rule may be left out of an example."""

    @initialize(jobs=keys, size=sizes)
    def begin(self, jobs, size):
        self.root = Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.all = Stats(self.root, reuses_folders=not IN_MEMORY.is_dir())
        site = self.all.site(0)
        self.all.enqueue(site, jobs)
        self.all.start(site, size, None)

    def worked(self, number, work):
        site = self.all.site(number)
        self.all.work(site, work, None, None)
        return site

    @rule(number=numbers, work=batches, trouble=troubles, crash=crashes)
    def work(self, number, work, trouble, crash):
        self.all.work(self.all.site(number), work, trouble, crash)

    @rule(
        number=numbers,
        work=some_work,
        what=st.sampled_from(["start", "stop", "kill", "mend", "cut power"]),
        size=sizes,
        times=st.sampled_from([1, 2, 3, 3]),
        crash=crashes,
    )
    def worker(self, number, work, what, *, size, times, crash):
        site = self.worked(number, work)
        if what == "start":
            self.all.start(site, size, crash)
        elif what == "stop":
            self.all.stop(site, times, crash)
        elif what == "kill":
            self.all.kill(site, times, len(work), crash)
        elif what == "mend":
            self.all.mend(site, times, crash)
        else:
            self.all.power_cut(site, number)

    @rule(
        number=numbers,
        work=some_work,
        jobs=keys,
        paused=st.booleans(),
        seconds=st.sampled_from([0, 1, 60, -3600]),
    )
    def queue(self, number, work, jobs, paused, seconds):
        site = self.worked(number, work)
        self.all.enqueue(site, jobs)
        self.all.pause(site, on=paused)
        self.all.time_moves(seconds)

    @rule(number=numbers, work=some_work, which=numbers, purge=st.booleans(), crash=crashes)
    def letter(self, number, work, which, purge, crash):
        site = self.worked(number, work)
        if purge:
            self.all.purge_letter(site, which)
        else:
            self.all.retry_letter(site, which, crash)

    @rule(
        number=numbers,
        work=some_work,
        more=batches,
        which=numbers,
        what=st.sampled_from(
            ["copy", "back up", "restore", "mirror", "mirror", "queue.db", *PARTS]
        ),
        keep_stats=st.booleans(),
        crash=crashes,
    )
    def copies(self, number, work, *, more, which, what, keep_stats, crash):
        site = self.worked(number, work)
        if what == "copy":
            self.all.copy(site, which)
        elif what == "back up":
            self.all.back_up(site)
        elif what in PARTS:
            self.all.restore_part(site, what, more, crash, lost=which % 2 == 1)
        else:
            self.all.restore(site, which, more, mirrored=what == "mirror", keep_stats=keep_stats)

    @rule(
        number=numbers,
        work=some_work,
        what=st.sampled_from(
            [
                *("save", "save late", "save late", "save unsynced", "keep", "rebuild", "join"),
                *("replay", "compress", "prune", "prune"),
            ]
        ),
        which=st.lists(numbers, max_size=3),
        crash=crashes,
        rng=st.randoms(use_true_random=False),
    )
    def stats(self, number, work, what, *, which, crash, rng):
        site = self.worked(number, work)
        if what == "save":
            self.all.save(site, crash)
        elif what == "save late":
            self.all.save_late(site)
        elif what == "save unsynced":
            self.all.save_unsynced(site, number)
        elif what == "keep":
            self.all.keep(site)
        elif what == "rebuild":
            self.all.rebuild(site, crash)
        elif what == "join":
            self.all.join(which)
        elif what == "replay":
            self.all.replay(site, rng)
        elif what == "compress":
            self.all.compress(site, crash)
        else:
            self.all.prune(site, number * 500, crash, compress=bool(which))

    @invariant()
    def all_agree(self):
        for site in self.all.sites:
            if site in self.all.touched:
                check(site)
        self.all.touched.clear()

    def teardown(self):
        """Everybody dies, and one worker does all that is left."""
        if not hasattr(self, "all"):
            return
        try:
            if not self.all.touched:  # else it has failed already
                for site in self.all.sites:
                    self.all.drain(site)
                    check(site)
                    check_rest(site)
                    self.all.save(site, None)
        finally:
            self.all.close()
            shutil.rmtree(self.root)


_SEARCHES = settings().max_examples > 100  # else it has to be quick: `make test`
WholeMachine.TestCase.settings = settings(
    max_examples=max(100, settings().max_examples),
    stateful_step_count=30 if _SEARCHES else 18,
    deadline=None,
)
TestWholeMachine = pytest.mark.timeout(3600)(WholeMachine.TestCase)  # it may have to shrink


@pytest.mark.parametrize("name", MUTATIONS if _SEARCHES else FOUND_AT_ONCE)
def test_the_machine_finds_each_broken_rule(name):
    quick = settings(
        max_examples=400, stateful_step_count=18, derandomize=True, phases=[Phase.generate]
    )
    broken = MUTATIONS[name].on()
    with broken, pytest.raises((AssertionError, ValueError, ExceptionGroup)):
        run_state_machine_as_test(WholeMachine, settings=settings(quick, deadline=None))
